"""The migration script: read from bytes once, split into sections, steps and statements, checked, ordered."""

from __future__ import annotations

from .model import (
    ACCEPT,
    ADVICE,
    POPULATION,
    REFUSE,
    ROLLBACK,
    Problem,
    Script,
    ScriptInvalid,
    Section,
    Statement,
    Step,
)
from .objects import CreatedObjects, created_objects, drops
from .order import document_order, plan_order
from .reading import parse, with_population
from .rules import problems, problems_besides, problems_of

__all__ = [
    "ACCEPT",
    "ADVICE",
    "POPULATION",
    "REFUSE",
    "ROLLBACK",
    "CreatedObjects",
    "Problem",
    "Script",
    "ScriptInvalid",
    "Section",
    "Statement",
    "Step",
    "created_objects",
    "document_order",
    "drops",
    "parse",
    "plan_order",
    "problems",
    "problems_besides",
    "problems_of",
    "with_population",
]
