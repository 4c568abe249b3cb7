"""The O(1) proof that file_audit lost nothing while the application writes (document 2.2.2, action 2).

Unchanged: the storage file, every earlier attribute; and no row of it was written by our transaction. After a failure
(document 5.2) also count and checksum, where the table is small enough to be read at once.
"""

from __future__ import annotations

from typing import Any

import psycopg

from v7migration.ledger.models import Run
from v7migration.pipeline.target import Connection
from v7migration.postgres import content
from v7migration.postgres.runner import StepError
from v7migration.postgres.session import set_local

TABLE = "public.file_audit"
SMALL = 16 * 1024 * 1024
"""Bytes of file_audit up to which its content is read too: about 0.1 s."""
TOO_LARGE = "not read: file_audit is larger than 16 MB"


LOOK = """
    SELECT pg_relation_filenode(t.oid),
           (SELECT jsonb_agg(jsonb_build_array(attnum, attname, format_type(atttypid, atttypmod), attnotnull)
                             ORDER BY attnum)
              FROM pg_attribute WHERE attrelid = t.oid AND attnum > 0 AND NOT attisdropped),
           pg_stat_get_xact_tuples_inserted(t.oid) + pg_stat_get_xact_tuples_updated(t.oid)
             + pg_stat_get_xact_tuples_deleted(t.oid)
      FROM (SELECT %s::regclass::oid) AS t (oid)
"""


def _look(connection: Connection) -> dict[str, Any]:
    row = connection.execute(LOOK, [TABLE]).fetchone()
    assert row is not None  # noqa: S101
    return {"filenode": row[0], "attributes": row[1], "written": int(row[2] or 0)}


def baseline(connection: Connection, run: Run, *, begun: bool) -> dict[str, Any]:
    """Return how file_audit was before the run's first COMMIT; a run that has ``begun`` keeps its first baseline."""
    if not begun or "baseline" not in run.report:
        run.report["baseline"] = {**_look(connection), "content": _content(connection)}
        run.save(update_fields=["report"])
    found: dict[str, Any] = run.report["baseline"]
    return found


def compare(connection: Connection, before: dict[str, Any]) -> dict[str, Any]:
    """Compare file_audit with the baseline: ``ok``, and what differs."""
    return _compared(_look(connection), before)


def _compared(now: dict[str, Any], before: dict[str, Any]) -> dict[str, Any]:
    earlier = {row[0]: row for row in before["attributes"]}
    kept = [row for row in now["attributes"] if row[0] in earlier]
    changed = [row[1] for row in before["attributes"] if row not in kept]
    same_file = now["filenode"] == before["filenode"]
    return {"ok": same_file and not changed, "same_storage": same_file, "changed_attributes": changed}


def assess(connection: Connection, before: dict[str, Any]) -> dict[str, Any]:
    """Assess after a failure whether file_audit lost anything: :func:`compare`, and ``content`` where it was read.

    ``content`` holds ``before`` and ``now`` (``rows``, ``checksum`` of the earlier columns, or ``note``) and ``equal``
    (None when one of them was not read). Rows that the application wrote meanwhile make a difference too.
    """
    was = before.get("content", {"note": "not read when the run began"})
    now = _content(connection, [row[1] for row in before["attributes"]])
    equal = None if "note" in was or "note" in now else was == now
    return {**compare(connection, before), "content": {"before": was, "now": now, "equal": equal}}


def _content(connection: Connection, columns: list[str] | None = None) -> dict[str, Any]:
    """Return count and checksum of a small file_audit; never wait for a lock on it, nor read for long."""
    try:
        with connection.transaction(force_rollback=True):
            set_local(connection, lock_timeout="300ms", statement_timeout="5s")
            size = connection.execute("SELECT pg_relation_size(%s::regclass)", [TABLE]).fetchone()
            if size is None or size[0] > SMALL:
                return {"note": TOO_LARGE}
            return content.proof(connection, *TABLE.split("."), columns=columns)
    except psycopg.Error as error:
        if connection.closed:
            raise
        return {"note": f"not read: {str(error).strip().splitlines()[0]}"}


def check(connection: Connection, before: dict[str, Any], *, written: bool) -> None:
    """Refuse to commit a step that rewrote file_audit, changed an earlier attribute or wrote its rows.

    ``written``: the population restores an earlier run's values and may write rows.

    Raises:
        StepError: the step must not commit.
    """
    now = _look(connection)
    result, rows = _compared(now, before), now["written"]
    if not result["ok"] or (rows and not written):
        message = (
            f"file_audit would not be as before: same storage {result['same_storage']}, "
            f"changed attributes {result['changed_attributes']}, rows written {rows}"
        )
        raise StepError("integrity", 0, "V7INT", message, "The step was rolled back: nothing was lost.")
