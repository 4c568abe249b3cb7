"""The script that a command is given by ``--script FILE``."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from v7migration.errors import UsageError
from v7migration.postgres.script.source import LARGEST


def read_script(path: Path) -> bytes:
    """Return the bytes of a script, no more than tell that it is too large.

    Raises:
        UsageError: it cannot be read, or is no file: a pipe or a device would be waited for, or never end.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise UsageError(f"{path} is not a file.", "Name a readable file with --script.")
            return file.read(LARGEST + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"{path} cannot be read: {reason}.", "Name a readable file with --script.") from error
