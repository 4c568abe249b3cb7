"""The rows of file_audit as any target has them: which columns it has beside ``file_path`` differs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg

from v7migration.postgres.kept import query

INFRASTRUCTURE = "SYSTEM"


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One row: its key, path, layer, workflows as they stand there; V7 target and state once a run added them."""

    key: int
    path: str
    layer: int | None
    workflows: tuple[str, ...]
    target: str | None
    state: str | None


@dataclass(frozen=True, slots=True)
class AuditRows:
    """The rows in the order of their keys, or ``problem``: why there are none."""

    rows: tuple[AuditRow, ...]
    problem: str = ""


def read_file_audit(connection: psycopg.Connection[Any]) -> AuditRows:
    """Read file_audit; a target without one, or a role that may not read it, is told in ``problem``."""
    found = connection.execute("SELECT to_regclass('public.file_audit') IS NOT NULL").fetchone()
    if not (found and found[0]):
        return AuditRows((), "the target has no file_audit")
    try:
        rows = connection.execute(query("inventory/audited_files")).fetchall()
    except (psycopg.errors.InsufficientPrivilege, psycopg.errors.UndefinedColumn) as error:
        said = error.diag.message_primary or str(error)
        return AuditRows((), f"file_audit cannot be read: {said}")
    return AuditRows(tuple(_row(number, *row) for number, row in enumerate(rows, 1) if row[1]))


def _row(
    number: int, key: object, path: str, layer: object, workflows: object, status: str | None, target: str | None,
    state: str | None,
) -> AuditRow:  # fmt: skip
    codes = tuple(dict.fromkeys(str(code).strip() for code in workflows if code)) if isinstance(workflows, list) else ()
    if not codes and (status or "").upper() == INFRASTRUCTURE:
        codes = (INFRASTRUCTURE,)
    return AuditRow(key if isinstance(key, int) else -number, path, _number(layer), codes, target, state)


def _number(value: object) -> int | None:
    """Return a layer's number, which may be written as text (``3``, ``L3``)."""
    if isinstance(value, int):
        return value
    digits = str(value or "").strip().lstrip("Ll")
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 7 else None
