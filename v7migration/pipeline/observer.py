"""The runner's second session on the target: it sees only what is committed, and is opened again when it was lost."""

from __future__ import annotations

from contextlib import suppress

from psycopg import OperationalError

from v7migration.connections import runner_url
from v7migration.errors import Refused
from v7migration.pipeline.target import Connection
from v7migration.postgres.runner import ConnectionLost
from v7migration.postgres.session import connect, reason_of
from v7migration.postgres.watch import watermark

NAME = "v7_execute observer"


def fresh() -> Connection:
    """Open a session of its own, for what takes more than one question."""
    return connect(runner_url(), application_name=NAME)


class Observer:
    """Lends the session, also to the thread that looks for blockers: each question is one statement."""

    def __init__(self) -> None:
        self._session = fresh()

    def session(self) -> Connection:
        """Return the session, a new one where the last was lost."""
        if self._session.closed:
            self._session = fresh()
        return self._session

    def watermark(self) -> str:
        """Return the catalogs' watermark without the runner's open transaction.

        Raises:
            ConnectionLost: it cannot be had, twice; the step is rolled back, and it did not fail.
        """
        with suppress(OperationalError):
            return watermark(self.session())
        try:
            return watermark(self.session())
        except (OperationalError, Refused) as error:
            raise ConnectionLost(
                f"The runner's second session to the target ended: {reason_of(error)}.",
                "Run the same command again: it reads from the target what was committed, and goes on from there.",
            ) from error

    def close(self) -> None:
        """Give the session back."""
        self._session.close()
