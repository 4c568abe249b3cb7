"""The token of DART: read from the environment when it is used, never stored, and blotted out of every text.

No Django here: the log filter uses it before the applications are loaded.
"""

from __future__ import annotations

import logging
import os
import re

from v7migration.errors import UsageError

BLOT = "[DART token]"
_TOKEN = re.compile(r"[\x21-\x7e]{8,500}")


def raw() -> str:
    """Return what the environment holds as the token, empty without one."""
    return os.environ.get("V7_DART_TOKEN", "").strip()


def is_present() -> bool:
    """Say whether a token is there."""
    return bool(raw())


def token() -> str:
    """Return the token.

    Raises:
        UsageError: there is none, or it is not one: an HTTP library would repeat a malformed one in its error.
    """
    found = raw()
    if not found:
        raise UsageError(
            "DART is not configured: V7_DART_TOKEN is not set.", "Set it, or record ids by hand at /dart/."
        )
    if not _TOKEN.fullmatch(found):
        raise UsageError(
            "V7_DART_TOKEN is no token: 8 to 500 printable ASCII characters without spaces are one.",
            "Copy it again from DART's settings.",
        )
    return found


def redacted(text: str) -> str:
    """Return a text without the token."""
    found = raw()
    return text.replace(found, BLOT) if found else text


class RedactingFilter(logging.Filter):
    """Blots the token out of whatever is logged: message, arguments, traceback and fields."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Clean the record and let it pass."""
        found = raw()
        if not found:
            return True
        try:
            message = record.getMessage()
        except (TypeError, ValueError, KeyError):  # words that do not fit their arguments: the handler says so
            message = f"{record.msg} {record.args}"
        if found in message:
            record.msg, record.args = message.replace(found, BLOT), ()
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = record.exc_text.replace(found, BLOT)
        for name, value in vars(record).items():
            if found in str(value) and name not in ("exc_info", "exc_text", "msg", "args"):
                setattr(record, name, _cleaned(value))
        return True


def _cleaned(value: object) -> object:
    if isinstance(value, dict):
        return {_cleaned(key): _cleaned(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_cleaned(item) for item in value]
    return redacted(value) if isinstance(value, str) else redacted(str(value))
