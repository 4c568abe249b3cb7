"""Logs of runs: one line of JSON for each event, with the run's id.

The lines go to ``log/runs.jsonl`` in the state directory, to the file that ``V7_LOG`` names, or with ``V7_LOG=-`` to
standard error. They repeat what the ledger and the target know, for people who collect logs; nothing reads them back.
"""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

STANDARD_ERROR = "-"


class JsonLines(logging.Formatter):
    """Formats a record as one JSON object: ``at`` (UTC), ``level``, ``event`` and the record's ``fields``."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without its end."""
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
        }
        line |= getattr(record, "fields", {})
        return json.dumps(line, default=str, ensure_ascii=False)


class RunLog(logging.StreamHandler):  # type: ignore[type-arg]
    """Appends to a file that is opened with the first line; a log that cannot be written says so once, and no more."""

    def __init__(self, path: str) -> None:
        super().__init__(sys.stderr)
        self.path = path
        self.opened = path == STANDARD_ERROR
        self.setFormatter(JsonLines())

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line; errors go to :meth:`handleError`."""
        try:
            if not self.opened:
                self.opened = True
                Path(self.path).parent.mkdir(parents=True, exist_ok=True)
                self.setStream(Path(self.path).open("a", encoding="utf-8"))  # noqa: SIM115 (open as long as the process)
            super().emit(record)
        except OSError:
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (the library's name)
        """Give up the log rather than the run."""
        self.setStream(sys.stderr)
        self.setLevel(logging.CRITICAL + 1)
        print(f"The log of runs cannot be written to {self.path}; the run goes on without it.", file=sys.stderr)  # noqa: T201
