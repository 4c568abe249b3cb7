"""Pages of the tracked rows: they translate HTTP; selectors read and services decide."""

from tracking.views.enums import EnumList, enum_move, enum_page
from tracking.views.history import history_page
from tracking.views.impacts import ImpactList, impact_business, impact_edit, impact_move, impact_new, impact_page
from tracking.views.lists import FileList, ResultList
from tracking.views.phases import phase_list, phase_move, phase_page
from tracking.views.tasks import TaskList, task_dart, task_move, task_page

__all__ = [
    "EnumList",
    "FileList",
    "ImpactList",
    "ResultList",
    "TaskList",
    "enum_move",
    "enum_page",
    "history_page",
    "impact_business",
    "impact_edit",
    "impact_move",
    "impact_new",
    "impact_page",
    "phase_list",
    "phase_move",
    "phase_page",
    "task_dart",
    "task_move",
    "task_page",
]
