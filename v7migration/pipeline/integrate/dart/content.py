"""What DART is told: tasks of the tables, requests for review, comments and the kickoff, and the words for states."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from approvals.facts import SignatureFact
from approvals.gates import ARCHITECT, DB_TEAM_LEAD, DEV_TEAM, TEST_SENTINEL
from approvals.selectors import holders_of
from tracking import catalogue
from tracking.actors import meant_by
from tracking.choices import TaskStatus
from tracking.models import Layer, Phase, SubworkflowTask
from v7migration.ledger.models import Changeset, Incident, Run
from v7migration.pipeline.integrate.dart.client import Place, Seen, Workspace, mails

ASSESSMENT, BLOCKER, LAYER = "v7-assessment", "blocker", "layer-"
NEXT_PHASE = 5
LONGEST_TITLE = 250
LONGEST_TEXT = 20_000
Payload = dict[str, Any]

STATUSES: dict[str, tuple[str, ...]] = {
    TaskStatus.PENDING: ("todo", "pending", "open", "unstarted", "backlog"),
    TaskStatus.IN_PROGRESS: ("doing", "inprogress", "started"),
    TaskStatus.BLOCKED: ("blocked", "onhold", "doing", "inprogress", "started"),
    TaskStatus.REVIEW: ("review", "inreview", "doing", "inprogress", "started"),
    TaskStatus.COMPLETED: ("done", "completed", "complete", "finished"),
    TaskStatus.CANCELLED: ("canceled", "cancelled", "wontdo", "done", "completed", "complete", "finished"),
    TaskStatus.DEFERRED: ("deferred", "later", "backlog", "todo"),
}
"""How teams call each state in DART, the best word first, letters only."""


def marker(key: str) -> str:
    """Return the line by which a thing is found again in DART after an answer was lost."""
    return f"V7 reference: {key}"


# -- states, tags, people --------------------------------------------------------------------------------------


def status_title(status: str, offered: Iterable[str]) -> str:
    """Return how the workspace calls a state of a task, empty where it has no word for it."""
    known = {_plain(title): title for title in reversed(list(offered))}
    return next((known[word] for word in STATUSES[status] if word in known), "")


def statuses_meant(title: str) -> list[str]:
    """Return the states that a status of DART may stand for, the likeliest first."""
    word = _plain(title)
    ranked = [(words.index(word), status) for status, words in STATUSES.items() if word in words]
    return [str(status) for _, status in sorted(ranked, key=lambda pair: pair[0])]


def _plain(title: str) -> str:
    return "".join(letter for letter in title.lower() if letter.isalpha())


def is_ours(tag: str) -> bool:
    """Say whether a tag is one that the tables decide on; all others belong to the people in DART."""
    return tag in (ASSESSMENT, BLOCKER) or (tag.startswith(LAYER) and tag[len(LAYER) :].isdigit())


def merged_tags(wanted: Iterable[str], there: Iterable[str]) -> list[str]:
    """Return the tags of people with those of the tables."""
    return [*(tag for tag in there if not is_ours(tag)), *wanted]


def assignees(persona: str, workspace: Workspace) -> list[str]:
    """Return how DART calls the people who hold a persona, by email or full name; empty where it knows none."""
    people, found = mails(workspace.people), []
    for name in sorted(meant_by(persona)):
        for person in holders_of(name):
            known = people.get(person.email.lower()) if person.email else None
            found.append(known or people.get(person.get_full_name().lower()) or "")
    return list(dict.fromkeys(filter(None, found)))


def known_as(there: Iterable[str], workspace: Workspace) -> list[str]:
    """Return people whom DART names by name or email, each as :func:`assignees` names them."""
    people = mails(workspace.people)
    return [people.get(name.lower(), name) for name in there]


# -- what each kind says ---------------------------------------------------------------------------------------


def of_task(task: SubworkflowTask, guards: Mapping[str, int]) -> Payload:
    """Return what DART is to hold of a task; ``guards``: the layer of each guardian (:func:`guarded`)."""
    tags = [ASSESSMENT]
    if task.responsible_persona in guards:
        tags.append(f"{LAYER}{guards[task.responsible_persona]}")
    if task.status == TaskStatus.BLOCKED:
        tags.append(BLOCKER)
    return {
        "title": f"{task.document_number} {task.task_name}"[:LONGEST_TITLE], "status": task.status,
        "persona": task.responsible_persona, "phase": task.parent_phase_id, "tags": tags,
        "start_at": f"{task.started_at:%Y-%m-%d}" if task.started_at else "",
    }  # fmt: skip


def guarded() -> dict[str, int]:
    """Return the layer that each Layer Guardian guards; what leaders of the phase do is no matter of one layer."""
    leaders = {ARCHITECT, DB_TEAM_LEAD, DEV_TEAM, TEST_SENTINEL}
    return dict(Layer.objects.exclude(guardian__in=leaders).values_list("guardian", "number"))


def description_of(task: SubworkflowTask) -> str:
    """Return the first description of a task; later it belongs to the people in DART."""
    described = catalogue.entry(task.parent_phase_id, task.task_number)
    lines = [f"Responsible: {task.responsible_persona}. The state is kept at /tasks/{task.pk}/ ."]
    if described is not None:
        lines += ["", *(f"{number}. {action}" for number, action in enumerate(described.actions, 1))]
        lines += ["", f"Verification: {described.verification}"]
    return "\n".join(lines)


def of_review(changeset: Changeset) -> Payload:
    """Return the request to The Architect to review a frozen changeset (the document's "Next Action")."""
    target = changeset.snapshot.target_name
    text = (
        f"Changeset {changeset.number} for {target} was frozen by {changeset.author}.\n"
        f"SHA-256: {changeset.digest}\nReview and sign it at /changesets/{changeset.digest}/ ."
    )
    return _asked(f"Review changeset {changeset.number} for {target}", text, ARCHITECT, catalogue.DATABASE_PHASE)


def of_kickoff(run: Run, signature: SignatureFact) -> Payload:
    """Return the kickoff of Phase 5, once Integration Verified is signed (criterion 9)."""
    phase = Phase.objects.filter(phase_number=NEXT_PHASE).first()
    name = phase.phase_name if phase else "the next phase"
    text = (
        f"Integration Verified is signed by {signature.person_name or signature.person} at "
        f"{signature.signed_at:%Y-%m-%d %H:%M:%S} UTC, for run {run.pk} of changeset {run.changeset.number}.\n"
        f"Begin Phase {NEXT_PHASE} at /phases/{NEXT_PHASE}/ ."
    )
    return _asked(f"Phase {NEXT_PHASE} kickoff: {name}", text, phase.lead_persona if phase else ARCHITECT, NEXT_PHASE)


def _asked(title: str, text: str, persona: str, phase: int) -> Payload:
    return {
        "title": title[:LONGEST_TITLE], "status": TaskStatus.PENDING, "persona": persona, "phase": phase,
        "tags": [ASSESSMENT], "start_at": "", "description": text,
    }  # fmt: skip


def of_incident(incident: Incident, said: str) -> Payload:
    """Return a comment on an incident for the task that it is about."""
    text = (
        f"Incident, {incident.severity}: {incident.title}\n{said}\n"
        f"Root cause and remediation: /incidents/{incident.pk}/ ."
    )
    return {"task_number": number_of(incident), "text": text[:LONGEST_TEXT]}


def of_blocked(task: SubworkflowTask, said: str) -> Payload:
    """Return a comment on a task that has been blocked for too long."""
    why = "; ".join(task.blockers) or "no reason given"
    return {"task": str(task.pk), "text": f"Blocked: {why}\n{said}\nSee /tasks/{task.pk}/ ."[:LONGEST_TEXT]}


def number_of(incident: Incident) -> int:
    """Return which task of the Database Phase an incident is about (its ``task_number``)."""
    match incident.kind:
        case Incident.Kind.CONFLICT | Incident.Kind.ENVIRONMENT:
            return 2
        case Incident.Kind.VALIDATION | Incident.Kind.PERFORMANCE:
            return 7
        case Incident.Kind.INTEGRATION:
            return 8
        case _:
            return 5 if incident.step.startswith("2.") or incident.step == "2" else 4


# -- as the client's fields ------------------------------------------------------------------------------------


def fields_of(
    payload: Payload, *, key: str, description: str, workspace: Workspace, place: Place, several: bool | None
) -> dict[str, Any]:
    """Return the fields of a new task in the client's words.

    ``several``: whether the workspace allows several assignees; None: nobody knows yet, so nobody is assigned yet.
    """
    fields: dict[str, Any] = {
        "title": payload["title"], "description": f"{description}\n\n{marker(key)}", "tags": payload["tags"],
    }  # fmt: skip
    if board := place.board(payload["phase"]):
        fields["dartboard"] = board
    if status := status_title(payload["status"], workspace.statuses):
        fields["status"] = status
    if payload["start_at"]:
        fields["start_at"] = payload["start_at"]
    return fields | assigned(assignees(payload["persona"], workspace), several)


def assigned(people: list[str], several: bool | None) -> dict[str, Any]:
    """Return the field of the client that assigns people; nothing where nobody can be assigned."""
    if not people or several is None:
        return {}
    return {"assignees": people} if several else {"assignee": people[0]}


def unassigned(payload: Payload, seen: Seen, workspace: Workspace) -> dict[str, Any]:
    """Return what assigns a task whose answer told for the first time how its workspace assigns; nothing if it is."""
    wanted = assignees(payload["persona"], workspace)
    wanted, there = wanted if seen.several else wanted[:1], known_as(seen.assignees, workspace)
    return {} if set(there) == set(wanted) else assigned(wanted, seen.several)
