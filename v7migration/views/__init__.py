"""The pages of the workflow: home, changesets, runs, incidents. They read and translate; services decide."""

from v7migration.views.baselines import baseline
from v7migration.views.changesets import changeset_list, changeset_page
from v7migration.views.code_map import code_map, code_map_change
from v7migration.views.coverage import coverage_cell, coverage_page, coverage_sign
from v7migration.views.criteria import criteria_page
from v7migration.views.dart import dart_page, dart_record, dart_retry
from v7migration.views.dependencies import dependency_file, dependency_page
from v7migration.views.document import document_page
from v7migration.views.enum_groups import enum_group, enum_groups
from v7migration.views.files import file_inventory, file_page
from v7migration.views.home import home
from v7migration.views.incidents import incident_list, incident_page
from v7migration.views.reviews import review_list, review_page
from v7migration.views.runs import run_list, run_page, run_progress, run_stop
from v7migration.views.troubles import incident_grade, run_issue
from v7migration.views.validation import run_validation

__all__ = [
    "baseline",
    "changeset_list",
    "changeset_page",
    "code_map",
    "code_map_change",
    "coverage_cell",
    "coverage_page",
    "coverage_sign",
    "criteria_page",
    "dart_page",
    "dart_record",
    "dart_retry",
    "dependency_file",
    "dependency_page",
    "document_page",
    "enum_group",
    "enum_groups",
    "file_inventory",
    "file_page",
    "home",
    "incident_grade",
    "incident_list",
    "incident_page",
    "review_list",
    "review_page",
    "run_issue",
    "run_list",
    "run_page",
    "run_progress",
    "run_stop",
    "run_validation",
]
