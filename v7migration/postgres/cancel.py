"""Cancelling what a run is waiting for, so that it obeys a stop at once. The step rolls back; nothing else ends."""

from __future__ import annotations

from typing import Any

import psycopg

from v7migration.postgres.session import RUN_LOCK

Connection = psycopg.Connection[Any]
# The session that holds the run's lock, while it executes a statement of a run (never a rollback's).
CANCEL = """
SELECT a.pid, pg_cancel_backend(a.pid)
FROM pg_locks AS l JOIN pg_stat_activity AS a USING (pid)
WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND ((l.classid::bigint << 32) | l.objid::bigint) = hashtextextended(%s, 0)
  AND a.state = 'active' AND a.application_name LIKE 'v7\\_execute by %%'
"""


def cancel_statement(connection: Connection) -> int | None:
    """Cancel the statement that the run at work executes at this moment; return its process, None if it executes none.

    ``connection``: a session of the same role as the runner's, or of a member of it.
    """
    row = connection.execute(CANCEL, [RUN_LOCK]).fetchone()
    return int(row[0]) if row and row[1] else None
