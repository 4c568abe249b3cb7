"""The people who move tracked rows, and rows of one's own to move."""

from __future__ import annotations

from itertools import count
from typing import Any

from tracking import home
from tracking.actors import Actor
from tracking.models import EnumMigration, File, GlobalImpact, Phase, SubworkflowTask
from tracking.services import enum_migration_propose, impact_create

ARCHITECT = Actor("ada", frozenset({"The Architect"}))
TEAM_LEAD = Actor("lea", frozenset({"DB Team Lead"}))
SENTINEL = Actor("tess", frozenset({"Test Sentinel"}))
GUARDIAN = Actor("gus", frozenset({"Data Sentinel"}))
WORKFLOW = Actor("wim", frozenset({"WF3 Persona"}))
DEVELOPER = Actor("dev", frozenset({"Dev Team"}))
OUTSIDER = Actor("oda")

_numbers = count(501)


def a_task(*, waits_for: list[SubworkflowTask] | None = None, phase: int = 4, **values: Any) -> SubworkflowTask:
    """Return a saved task of its own, the DB Team Lead's unless told otherwise."""
    values = {"responsible_persona": "DB Team Lead", "task_name": "Try it", **values}
    task = SubworkflowTask(
        parent_phase_id=phase,
        task_number=next(_numbers),
        dependencies=[other.pk for other in waits_for or []],
        **values,
    )
    with home.writing(person="seed"):
        task.save()
    return task


def an_impact(**content: Any) -> GlobalImpact:
    """Return an impact that a guardian filed."""
    content = {"change_type": "enum", "impact_description": "Two status types become one.", **content}
    return impact_create(actor=GUARDIAN, **content)


def an_enum_migration(name: str = "public.old_status", **content: Any) -> EnumMigration:
    """Return a proposed ENUM migration."""
    content = {
        "current_enum_values": ["a", "b"],
        "v7_enum_name": "v7_status_type",
        "v7_enum_values": ["a", "b"],
        **content,
    }
    return enum_migration_propose(actor=GUARDIAN, current_enum_name=name, **content)


def a_file() -> File:
    """Return the first file of the target."""
    return File.objects.all()[0]


def the_phase(number: int) -> Phase:
    """Return a phase as the database has it now."""
    return Phase.objects.get(phase_number=number)
