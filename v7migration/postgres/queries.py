"""The named verification queries of ``sql/checks.sql``: the document's text, its expectation, and the result."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import psycopg

Connection = psycopg.Connection[tuple[object, ...]]
CHECKS = Path(__file__).resolve().parent.parent / "sql" / "checks.sql"
BLOCK = re.compile(
    r"^-- check: (?P<name>[^\n]+)\n-- title: (?P<title>[^\n]+)\n"
    r"-- when: (?P<when>[^\n]+)\n-- expected: (?P<expected>[^\n]+)\n"
    r"(?P<sql>.*?)^-- end$",
    re.MULTILINE | re.DOTALL,
)
NOTES = {
    "4.2": "information_schema.tables lists views too: 5 tables and 3 views make 8; _ is a wildcard in LIKE.",
    "2.2.2": "The fast default marks every row of file_audit; both counts are shown.",
}


@dataclass(frozen=True)
class Query:
    """One verification query of the document."""

    name: str
    title: str
    when: str
    expected: str
    sql: str


@dataclass(frozen=True)
class Check:
    """What a check expected and found: ``actual`` is text for people, ``rows`` the result as it came.

    ``differences`` say all that is wrong, where ``actual`` names only the first; ``milliseconds`` is how long it took;
    ``repair`` says what to do about a failure, in statements for a person to read and run, or in words.
    """

    name: str
    title: str
    expected: str
    actual: str
    ok: bool
    sql: str = ""
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    note: str = ""
    milliseconds: float | None = None
    differences: tuple[str, ...] = ()
    repair: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return the check as JSON-able data."""
        return {
            "name": self.name, "title": self.title, "expected": self.expected, "actual": self.actual, "ok": self.ok,
            "sql": self.sql, "columns": list(self.columns), "rows": [list(r) for r in self.rows], "note": self.note,
            "milliseconds": self.milliseconds, "differences": list(self.differences),
            "repair": list(self.repair),
        }  # fmt: skip


@cache
def document_queries() -> tuple[Query, ...]:
    """Return the document's queries in the order of the file."""
    return tuple(Query(**match.groupdict()) for match in BLOCK.finditer(CHECKS.read_text()))


Rows = list[tuple[object, ...]]


def _all_files(connection: Connection, rows: Rows) -> tuple[str, bool]:
    """Every file counts: those that are pending, and those whose state an earlier run's values restored."""
    found = connection.execute(
        "SELECT count(*), count(*) FILTER (WHERE v7_workflow_status <> 'pending_assessment') FROM public.file_audit"
    ).fetchone()
    assert found is not None  # noqa: S101
    pending, total, moved_on = (int(str(n)) for n in (rows[0][0], *found))
    shown = f"{pending} of {total} files" + (f", {moved_on} have moved on" if moved_on else "")
    return shown, pending + moved_on == total


def _triple(connection: Connection, rows: Rows) -> tuple[str, bool]:
    found = {row[0]: row[1] for row in rows}
    numbers = [found.get(k) for k in ("Tables", "V7 Columns in file_audit", "Monitoring Views")]
    return " / ".join(map(str, numbers)), numbers == [8, 12, 3]


JUDGES: dict[str, Callable[[Connection, Rows], tuple[str, bool]]] = {
    "0": lambda _, rows: (str(rows[0][0]), rows[0][0] == 0),
    "5 tables": lambda _, rows: (f"{len(rows)} tables", len(rows) == 5),
    "7 phases": lambda _, rows: (f"{len(rows)} phases", len(rows) == 7),
    "> 0": lambda _, rows: (str(rows[0][0]), int(str(rows[0][0])) > 0),
    "all files": _all_files,
    "8 / 12 / 3": _triple,
}


def run_query(connection: Connection, query: Query) -> Check:
    """Run one of the document's queries, word for word, and compare it with its expectation."""
    started = time.perf_counter()
    try:
        with connection.transaction():
            cursor = connection.execute(query.sql.encode())
            rows = cursor.fetchall()
            took = round((time.perf_counter() - started) * 1000, 3)
            columns = tuple(c.name for c in cursor.description or ())
            actual, ok = JUDGES[query.expected](connection, rows)
    except psycopg.Error as error:
        return Check(query.name, query.title, query.expected, str(error).strip().splitlines()[0], False, query.sql)
    shown = tuple(tuple("" if v is None else str(v) for v in row) for row in rows)
    return Check(
        query.name, query.title, query.expected, actual, ok, query.sql, columns, shown, NOTES.get(query.name, ""), took
    )


def run_document_queries(connection: Connection, when: str, *, has_duplicates: bool = True) -> list[Check]:
    """Run the document's queries that hold at this moment: ``before``, ``after`` or ``rolled back``.

    ``has_duplicates``: the target has duplicated ENUM types; where there are none, none need to be documented.
    """
    queries = [query for query in document_queries() if query.when == when]
    if not queries:
        raise LookupError(f"{CHECKS.name} holds no query for the moment {when!r}")
    checks = [run_query(connection, query) for query in queries]
    if has_duplicates:
        return checks
    note = "This target has no duplicated ENUM types, so there is nothing to document."
    return [replace(c, ok=True, note=note) if c.name == "4.3 enums" and c.actual == "0" else c for c in checks]


def all_ok(checks: Iterable[Check]) -> bool:
    """Say whether every check holds; no check at all proves nothing."""
    found = list(checks)
    return bool(found) and all(check.ok for check in found)
