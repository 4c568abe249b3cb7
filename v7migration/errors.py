"""Every error a person can meet: what happened, and what to do next.

Each type carries the exit code its command ends with (0 done, 1 a negative verdict, 2 usage,
3 gate closed, 4 stopped by a failure, 5 refused before anything was touched).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class V7Error(Exception):
    """A failure that is explained to its reader: ``message`` says what happened, ``next_step`` what to do.

    ``evidence`` holds what a command's ``--json`` object tells beside the error, such as the run that stands stopped.
    """

    exit_code = 4

    def __init__(self, message: str, next_step: str = "") -> None:
        self.message = message
        self.next_step = next_step
        self.evidence: dict[str, Any] = {}
        super().__init__(f"{message} {next_step}".strip())


class NegativeVerdict(V7Error):
    """A review, rehearsal or verification ended with a "no"."""

    exit_code = 1


class UsageError(V7Error):
    """The command was called with words it cannot act on."""

    exit_code = 2


class GateClosed(V7Error):
    """Something that must be agreed or done first is missing; ``reasons`` names each piece."""

    exit_code = 3

    def __init__(self, reasons: Sequence[str], next_step: str = "") -> None:
        self.reasons = tuple(reasons)
        super().__init__("The gate is closed: " + "; ".join(self.reasons), next_step)


class StepFailed(V7Error):
    """A step of a run failed and left nothing behind; the finished steps remain."""

    exit_code = 4


class Refused(V7Error):
    """Refused before anything was touched."""

    exit_code = 5


class Unfit(Refused):
    """What the work needs (a server, a program, a right) cannot serve; ``cause`` names it in one word."""

    def __init__(self, cause: str, message: str, next_step: str) -> None:
        self.cause = cause
        super().__init__(message, next_step)


class InvalidValue(Refused):
    """A value cannot be kept; ``fields`` says what is wrong with which field."""

    def __init__(self, message: str, next_step: str = "", fields: Mapping[str, Sequence[str]] | None = None) -> None:
        self.fields = {name: tuple(sentences) for name, sentences in (fields or {}).items()}
        super().__init__(message, next_step)


class WouldVoid(Refused):
    """Saving would void signatures, and nobody confirmed that; ``signers`` names who signed."""

    def __init__(self, signers: Sequence[str], message: str, next_step: str) -> None:
        self.signers = tuple(signers)
        super().__init__(message, next_step)


class SchemaConflict(Refused):
    """The target holds something of a name that the script creates (document 5.1); ``objects`` names each."""

    def __init__(self, objects: Sequence[str], message: str, next_step: str) -> None:
        self.objects = tuple(sorted(objects))
        super().__init__(message, next_step)


class Fenced(V7Error):
    """The tracking rows are fenced (SQLSTATE 25006): a run or a rollback is moving them."""

    exit_code = 5


class HomeMoving(Fenced):
    """The home of the tracking rows changed in the middle of a request."""


class TransitionRefused(V7Error):
    """A state machine, its guard or the database refuses this transition."""

    exit_code = 5


class SignatureRefused(V7Error):
    """A signature, rejection or revocation is refused; nothing is recorded but the attempt."""

    exit_code = 5


class AppendOnlyRefused(Refused):
    """Somebody tried to change or delete a record that is written once."""


class StaleForm(V7Error):
    """Somebody saved this row after the form was opened."""

    exit_code = 5


class AuthenticationFailed(Refused):
    """The name and the password do not belong together, or the account may not act."""
