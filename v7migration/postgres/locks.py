"""Which locks each statement takes on the tables that were there before, and whether it rewrites or scans them.

Inside a transaction the answer is read from ``pg_locks``, from the counters of the transaction and from the files of
the tables, right after the statement. A concurrent statement has let go of its locks when it ends: for those the lock
that PostgreSQL's manual names for the kind of statement is stated, and the account says so (``source``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg

from v7migration.postgres.script import Statement, grammar

Connection = psycopg.Connection[tuple[object, ...]]
OBSERVED, DOCUMENTED = "observed", "documented"
MODES = (
    *("AccessShareLock", "RowShareLock", "RowExclusiveLock", "ShareUpdateExclusiveLock"),
    *("ShareLock", "ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock"),
)
"""The modes of table locks, the weakest first."""
EXISTING = """
    SELECT c.oid::bigint, n.nspname || '.' || c.relname, c.relkind IN ('r', 'p', 'm'), c.relfilenode::bigint
      FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'p', 'm', 'v', 'f', 'S') AND c.relpersistence <> 't'
       AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'migration_gate')
"""
HELD = """
    SELECT l.relation::bigint, array_agg(l.mode), c.relfilenode::bigint, pg_stat_get_xact_numscans(c.oid)
      FROM pg_locks AS l JOIN pg_class AS c ON c.oid = l.relation
     WHERE l.pid = pg_backend_pid() AND l.locktype = 'relation' AND l.granted AND l.relation = ANY(%s::oid[])
       AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
     GROUP BY c.oid, l.relation, c.relfilenode
"""
SCANS = """
    SELECT oid::bigint, pg_stat_get_xact_numscans(oid) FROM unnest(%s::oid[]) AS t (oid)
     WHERE pg_stat_get_xact_numscans(oid) > 0
"""


def strength(mode: str) -> int:
    """Return the rank of a lock mode: the higher, the more it stops."""
    return MODES.index(mode) if mode in MODES else -1


@dataclass
class _Held:
    """What a transaction holds of one table, and how often it has scanned it."""

    modes: frozenset[str]
    file: int
    scans: int


class Watch:
    """Notes in the account of each statement what it did to the tables that are there when the watch begins."""

    def __init__(self, connection: Connection) -> None:
        rows = connection.execute(EXISTING).fetchall()
        self.names = {int(str(row[0])): str(row[1]) for row in rows}
        self.files = {int(str(row[0])): int(str(row[3])) for row in rows if row[2]}
        self.before: dict[int, _Held] = {}
        self.scans: dict[int, int] = {}

    def opening(self, connection: Connection) -> None:
        """A transaction begins: it holds nothing yet, but the session may still count scans of the one before."""
        rows: list[tuple[Any, ...]] = connection.execute(SCANS, [list(self.files)]).fetchall()
        self.before, self.scans = {}, {oid: int(scans) for oid, scans in rows}

    def done(self, connection: Connection, statement: Statement, account: dict[str, Any]) -> None:
        """Add ``locks``, ``rewrote`` and ``scanned`` (names of tables) to the account of a statement."""
        if not statement.transactional:
            account.update(self._documented(statement))
            return
        now = self._held(connection)
        locks, rewrote, scanned = [], [], []
        for oid, held in now.items():
            was = self.before.get(oid, _Held(frozenset(), self.files.get(oid, held.file), self.scans.get(oid, 0)))
            locks += [_lock(self.names[oid], mode) for mode in held.modes - was.modes]
            if oid in self.files and held.file != was.file:
                rewrote.append(self.names[oid])
                self.files[oid] = held.file
            if held.scans > was.scans:
                scanned.append(self.names[oid])
        self.before = now
        account["locks"] = sorted(locks, key=lambda lock: (-strength(lock["mode"]), lock["relation"]))
        account["rewrote"], account["scanned"] = sorted(rewrote), sorted(scanned)

    def _held(self, connection: Connection) -> dict[int, _Held]:
        rows: list[tuple[Any, ...]] = connection.execute(HELD, [list(self.names)]).fetchall()
        return {oid: _Held(frozenset(modes), file, int(scans or 0)) for oid, modes, file, scans in rows}

    def _documented(self, statement: Statement) -> dict[str, Any]:
        """What the manual says of a statement that cannot be in a transaction."""
        known = set(self.names.values())
        tables = [name for name in _subjects(statement) if name in known]
        scans = tables if statement.kind in ("IndexStmt", "ReindexStmt") else []
        locks = [_lock(name, "ShareUpdateExclusiveLock", DOCUMENTED) for name in tables]
        return {"locks": locks, "rewrote": [], "scanned": scans}


def _lock(name: str, mode: str, source: str = OBSERVED) -> dict[str, str]:
    return {"relation": name, "mode": mode, "source": source}


def _subjects(statement: Statement) -> list[str]:
    """The tables that a concurrent statement names (``DROP INDEX CONCURRENTLY`` names none)."""
    root = grammar.tree(statement.text)
    named = (f"{node.schemaname or 'public'}.{node.relname}" for node in grammar.nodes(root, "RangeVar"))
    return list(dict.fromkeys(named))


def summary(steps: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """List the statements of a rehearsal that lock tables which were there before, the strongest lock first.

    Args:
        steps: the report's steps: key to ``{"statements": [account]}``, in the order of execution.

    Returns:
        For each statement and table its strongest lock: ``{"step", "line", "kind", "relation", "mode", "source",
        "milliseconds", "rewrote", "scanned"}``.
    """
    found: list[dict[str, Any]] = []
    for key, step in steps.items():
        for account in step["statements"]:
            strongest: dict[str, dict[str, str]] = {}
            for lock in account.get("locks", ()):
                strongest.setdefault(lock["relation"], lock)
            found += [
                {
                    "step": key, "line": account["line"], "kind": account["kind"], **lock,
                    "milliseconds": account["milliseconds"],
                    "rewrote": lock["relation"] in account["rewrote"],
                    "scanned": lock["relation"] in account["scanned"],
                }
                for lock in strongest.values()
            ]  # fmt: skip
    return sorted(found, key=lambda lock: -strength(lock["mode"]))
