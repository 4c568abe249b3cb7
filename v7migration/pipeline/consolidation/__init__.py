"""Decisions on groups of ENUM types (document 2.1.3): accepted, split or rejected, by a person, with the mapping.

Groups come from the newest ENUM inventory. A group is named by its member types and their labels, so a decision stands
as long as these do. Accepting writes one row of v7_enum_migrations for each type that goes.
"""

from v7migration.pipeline.consolidation.changes import change_of, standing_rows
from v7migration.pipeline.consolidation.deciding import Verdict, accept, decide, deciders
from v7migration.pipeline.consolidation.groups import (
    PAGE,
    Group,
    Member,
    earlier,
    find,
    groups,
    latest,
    must_be_documented,
    standing,
    waiting,
)
from v7migration.pipeline.consolidation.plans import Choice, Plan, conversion, plan, proposed, risk

__all__ = [
    "PAGE",
    "Choice",
    "Group",
    "Member",
    "Plan",
    "Verdict",
    "accept",
    "change_of",
    "conversion",
    "decide",
    "deciders",
    "earlier",
    "find",
    "groups",
    "latest",
    "must_be_documented",
    "plan",
    "proposed",
    "risk",
    "standing",
    "standing_rows",
    "waiting",
]
