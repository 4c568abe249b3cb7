"""Evidence of the post-execution tasks: a Test Sentinel's validation, the proofs of the integration (2.3)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from v7migration.ledger.models import DartDelivery, Event, Run, RunState, Validation
from v7migration.pipeline import validation
from v7migration.pipeline.runs import page_of, standing_run
from v7migration.pipeline.tasks.execution import NOT_RUN
from v7migration.pipeline.tasks.proof import Facts, lacking, there

GROUPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("rows", ("rows ",)), ("views", ("view ",)), ("rollback", ("rollback proof",)),
    ("anomalies", ("invalid indexes", "incidents", "record")),
)  # fmt: skip
"""Which checks belong to which action of task 2.3.1, by the beginning of their names; all others are of the tables."""


def _group(name: str) -> str:
    return next((group for group, starts in GROUPS if name.startswith(starts)), "tables")


def validated() -> Iterator[Facts]:
    """Evidence of 2.3.1: the newest validation of the run, action by action; a failure accepted by name counts."""
    run = standing_run()
    newest = validation.newest(run) if run is not None and run.state == RunState.FINISHED else None
    if run is None or newest is None:
        said = NOT_RUN if run is None else "No Test Sentinel has validated the run: v7_verify --as USERNAME."
        yield from (lacking(said, page_of(run)) for _ in range(6))
        return
    page, found = validation.page_of(run), newest.document["checks"]
    failures = validation.failures(run, newest)
    failing = validation.unaccepted(failures)

    def piece(group: str, said: str) -> Facts:
        mine = [check for check in found if _group(check["name"]) == group]
        wrong = [failure for failure in failing if _group(failure["name"]) == group]
        if wrong:
            return lacking(validation.sentence(wrong[0], run), page)
        return there(said.format(len(mine)), newest.by, newest.at, page)

    yield piece("tables", "{} checks of tables, columns, indexes, views, rights and the document's queries hold.")
    yield piece("rows", "{} trials created, read, updated and deleted rows as the web role.")
    yield piece("views", "{} views answer in time.")
    yield piece("rollback", "The rollback is proven on a copy of the target as it was.")
    yield piece("anomalies", _documented(len(failures)))
    yield _whole(run, newest, failing, page)


def _documented(count: int) -> str:
    return f"{count} anomalies, each graded and accepted by name." if count else "No anomaly was found."


def _whole(run: Run, newest: Validation, failing: list[validation.Failure], page: str) -> Facts:
    if failing:
        return lacking(f"{len(failing)} checks fail and are not accepted by name.", page)
    accepted = max((row for row in run.accepted_failures.all()), key=lambda row: row.at, default=None)
    if accepted is not None and accepted.at > newest.at:
        return there("Every failure is accepted by name.", accepted.by, accepted.at, page)
    return there(f"{len(newest.document['checks'])} checks pass.", newest.by, newest.at, page)


SQLALCHEMY, PYDANTIC, API, DART = "sqlalchemy", "pydantic", "api", "dart"
HOW: dict[str, str] = {
    SQLALCHEMY: "v7_integrate sqlalchemy --out FILE --as USERNAME (Dev Team)",
    PYDANTIC: "v7_integrate pydantic --out FILE --as USERNAME (Dev Team)",
    API: "v7_integrate api --url URL --as USERNAME (Dev Team)",
    DART: "v7_integrate dart, or a person records an id at /dart/ or on the page of a task",
}


def integrated() -> Iterator[Facts]:
    """Evidence of 2.3.2: what each integration proved about the standing run, by whom and when."""
    run = standing_run()
    for kind in (SQLALCHEMY, PYDANTIC):
        yield _proved(run, kind)
    yield (api := _proved(run, API))
    yield _proved(run, DART)
    yield api


def integration_missing(run: Run) -> list[str]:
    """Return what of the integration is not proven for a run, each with the way to prove it."""
    found = [_proved(run, kind) for kind in (SQLALCHEMY, PYDANTIC, API, DART)]
    return [str(facts["said"]) for facts in found if not facts["met"]]


def _proved(run: Run | None, kind: str) -> Facts:
    if run is None or run.state != RunState.FINISHED:
        return lacking(NOT_RUN if run is None else f"The run is {run.state}.", page_of(run))
    return _ELSEWHERE[kind](run) if kind in _ELSEWHERE else _event(run, kind)


def _event(run: Run, kind: str) -> Facts:
    event = Event.objects.filter(kind="integration.proved", subject=str(run.pk), payload__kind=kind).first()
    if event is None:
        return lacking(f"Not proven: {HOW[kind]}.", "/criteria/")
    if not event.payload.get("ok"):
        return lacking(f"{event.payload.get('said', 'It failed')} Then {HOW[kind]} again.", "/criteria/")
    return there(str(event.payload["said"]), event.actor, event.at, "/criteria/")


def _connected(run: Run) -> Facts:
    """Say what of the phase is in DART: delivered, or its id recorded by hand."""
    row = DartDelivery.objects.filter(state=DartDelivery.State.DELIVERED).exclude(kind=DartDelivery.Kind.COMMENT)
    newest = row.order_by("-delivered_at").first()
    if newest is None:
        return lacking(f"Nothing of it is in DART: {HOW[DART]}.", "/dart/")
    event = Event.objects.filter(kind__in=("dart.delivered", "dart.recorded"), subject=newest.subject).first()
    by = newest.recorded_by or (event.actor if event else "")
    how = "recorded by hand" if newest.recorded_by else "delivered"
    return there(f"“{newest.words}” is {newest.dart_id} in DART ({how}).", by, newest.delivered_at, "/dart/")


_ELSEWHERE: dict[str, Callable[[Run], Facts]] = {DART: _connected}
