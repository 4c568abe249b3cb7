"""Who acts on the tracked rows: a username and the personas it holds, handed in by the caller."""

from __future__ import annotations

from dataclasses import dataclass, field

from tracking.models import Layer, WorkflowCode
from v7migration.errors import TransitionRefused

ARCHITECT = "The Architect"
DB_TEAM_LEAD = "DB Team Lead"
DEV_TEAM = "Dev Team"
TEST_SENTINEL = "Test Sentinel"
LAYER_GUARDIANS = "Layer Guardians"
WORKFLOW_PERSONAS = "Workflow Personas"


@dataclass(frozen=True)
class Actor:
    """A person at work. There is no shortcut for superusers: only personas count."""

    username: str
    personas: frozenset[str] = field(default_factory=frozenset)

    def holds_any(self, personas: frozenset[str]) -> bool:
        """Say whether the actor holds one of the personas."""
        return bool(self.personas & personas)


def meant_by(responsible: str) -> frozenset[str]:
    """Return the personas that a responsibility names.

    ``Layer Guardians`` and ``Workflow Personas`` are collective: whoever guards a layer or speaks for a
    workflow now. ``DB Team Lead + The Architect`` names two.
    """
    personas: set[str] = set()
    for name in responsible.split(" + "):
        if name == LAYER_GUARDIANS:
            personas.update(Layer.objects.values_list("guardian", flat=True))
        elif name == WORKFLOW_PERSONAS:
            personas.update(WorkflowCode.objects.values_list("persona", flat=True))
        else:
            personas.add(name)
    return frozenset(personas)


def assessors() -> frozenset[str]:
    """Return the personas that may assess impacts and files: guardians, workflow personas, The Architect."""
    return meant_by(LAYER_GUARDIANS) | meant_by(WORKFLOW_PERSONAS) | {ARCHITECT}


def require(actor: Actor, personas: frozenset[str], deed: str) -> None:
    """Refuse an actor who holds none of the personas.

    Raises:
        TransitionRefused: with the personas that may do ``deed``.
    """
    if not actor.holds_any(personas):
        held = ", ".join(sorted(actor.personas)) or "no persona"
        raise TransitionRefused(
            f"{actor.username or 'Nobody'} holds {held} and may not {deed}.",
            f"Ask one of: {', '.join(sorted(personas))}.",
        )
