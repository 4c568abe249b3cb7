"""Prove an integration on the migrated target, as the Dev Team, and keep the proof as an event (document 2.3.2)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.contrib.auth.models import User
from django.db import connections

from approvals.gates import DEV_TEAM
from approvals.selectors import personas_of
from tracking.actors import Actor, require
from v7migration.errors import Refused
from v7migration.ledger.models import Run, RunState
from v7migration.ledger.services import append_event
from v7migration.pipeline.integrate.described import Column, Description
from v7migration.pipeline.integrate.reading import describe
from v7migration.pipeline.runs import standing_run

PROVED = "integration.proved"
MOST = 20
"""Differences that an event keeps."""
COLUMNS = """
    SELECT c.relname, a.attname, format_type(a.atttypid, NULL), a.atttypmod, a.attnotnull, c.relkind::text
      FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = %s AND c.relname = ANY (%s) AND a.attnum > 0 AND NOT a.attisdropped
"""
VARLENA = 4
"""PostgreSQL counts these bytes into the modifier of a varchar."""


def provable_run(person: User) -> Run:
    """Return the run that an integration of this person would be proven for.

    Raises:
        TransitionRefused: the person does not hold the persona Dev Team.
        Refused: no finished run stands, so there is nothing to integrate with.
    """
    require(Actor(person.get_username(), personas_of(person)), frozenset({DEV_TEAM}), "prove an integration")
    run = standing_run()
    if run is None or run.state != RunState.FINISHED:
        state = "Nothing was executed, or it was taken back" if run is None else f"Run {run.pk} is {run.state}"
        raise Refused(f"{state}: there is no migrated target to prove it on.", "v7_status says what is next.")
    return run


def record(*, run: Run, person: User, kind: str, ok: bool, said: str, evidence: Mapping[str, Any]) -> dict[str, Any]:
    """Keep a proof, or that it failed, as an event of the run; return what is kept.

    Args:
        kind: ``sqlalchemy``, ``pydantic`` or ``api``.
        said: what was found, in a sentence.
        evidence: JSON-able: digests, counts, differences.
    """
    payload = {"kind": kind, "ok": ok, "said": said, **evidence}
    append_event(kind=PROVED, actor=person.get_username(), subject=str(run.pk), payload=payload)
    return payload


def prove_module(made: Mapping[str, Any], *, person: User) -> dict[str, Any]:
    """Compare the tables, columns and views that a module describes with the target's catalogs, and keep the result.

    Args:
        made: what ``generate_sqlalchemy`` or ``generate_pydantic`` answered.
        person: who proves it, a holder of Dev Team.

    Returns:
        ``kind``, ``ok``, ``said``, ``sha256`` and ``fingerprint`` of the module, ``differences`` (at most 20).

    Raises:
        TransitionRefused, Refused: as :func:`provable_run`.
    """
    run, facts = provable_run(person), describe()
    found = list(differences(facts))
    name = {"sqlalchemy": "SQLAlchemy", "pydantic": "Pydantic"}[made["kind"]]
    if found:
        said = f"The {name} module differs from the target: {found[0]}" + (", and more." if len(found) > 1 else ".")
    else:
        objects = len(facts.tables) + len(facts.views)
        said = (
            f"The {name} module describes {objects} tables and views and file_audit's columns as the target has them."
        )
    evidence = {key: made[key] for key in ("sha256", "fingerprint")} | {"differences": found[:MOST]}
    return record(run=run, person=person, kind=made["kind"], ok=not found, said=said, evidence=evidence)


def differences(facts: Description) -> Iterator[str]:
    """Yield what the target's catalogs have otherwise than described, a sentence each.

    Columns of ours that are missing, have another type, length or NULL; in the tables and views also others. What
    file_audit has besides the twelve columns is the application's own.
    """
    tables = {table.name: table.columns for table in facts.tables}
    views = {view.name: view.columns for view in facts.views}
    for schema, described in (("public", tables), (facts.view_schema, views)):
        there = _catalog(schema, [*described])
        for name, columns in described.items():
            yield from _compared(name, columns, there.get(name, {}))
            wanted = {column.name for column in columns}
            yield from (f"{name}.{other} is not described" for other in there.get(name, {}) if other not in wanted)
    ours = facts.file_columns
    yield from _compared(ours.name, ours.columns, _catalog("public", [ours.name]).get(ours.name, {}))


def _plain(kind: str) -> str:
    """Return the type of a view's column as far as a view keeps it: text is text, with a length or without."""
    return kind.replace("character varying", "text")


_Shape = tuple[str, int | None, bool | None]


def _catalog(schema: str, names: list[str]) -> dict[str, dict[str, _Shape]]:
    """Return by relation and column: type, length, and whether it may be NULL (None in a view: no view says)."""
    found: dict[str, dict[str, _Shape]] = {}
    with connections["target"].cursor() as cursor:
        cursor.execute(COLUMNS, [schema, names])
        for relation, column, kind, modifier, is_required, relkind in cursor.fetchall():
            length = modifier - VARLENA if kind.startswith("character varying") and modifier > 0 else None
            is_view = relkind == "v"
            shape = (_plain(kind), None, None) if is_view else (kind, length, not is_required)
            found.setdefault(relation, {})[column] = shape
    return found


def _compared(name: str, columns: tuple[Column, ...], there: Mapping[str, _Shape]) -> Iterator[str]:
    if not there:
        yield f"{name} is not there"
        return
    for column in columns:
        if column.name not in there:
            yield f"{name}.{column.name} is not there"
            continue
        kind, length, is_nullable = there[column.name]
        wanted, longest = column.kind + ("[]" if column.is_array else ""), column.length
        if is_nullable is None:
            wanted, longest = _plain(wanted), None
        if (kind, length) != (wanted, longest):
            yield f"{name}.{column.name} is {_typed(kind, length)}, not {_typed(wanted, longest)}"
        elif is_nullable is not None and is_nullable != column.is_nullable:
            yield f"{name}.{column.name} {'may' if is_nullable else 'must not'} be NULL"


def _typed(kind: str, length: int | None) -> str:
    return kind if length is None else f"{kind}({length})"
