"""What the gate reads and answers: plain facts about subjects, signatures and accounts. No Django here."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, NamedTuple

from approvals.seats import Seat, SubjectKind, Verdict

State = Literal["open", "waiting", "approved", "rejected", "revoked"]

# What a person may change about the own account after a freeze and still sign.
OWN_CHANGES = frozenset({"password", "email"})


@dataclass(frozen=True)
class Reason:
    """Why something is closed: a stable ``code``, a sentence for people, and the seat it is about, if any."""

    code: str
    sentence: str
    seat: str | None = None

    def __str__(self) -> str:
        return self.sentence


@dataclass(frozen=True)
class Prerequisite:
    """Something that must be done first. ``seat``: the seat that waits for it; None: the whole gate."""

    name: str
    met: bool
    reason: str = ""
    seat: str | None = None


class Subject(NamedTuple):
    """What signatures are about: a changeset by its digest, a run or a phase by its id."""

    kind: SubjectKind
    id: str


@dataclass(frozen=True)
class SubjectFacts:
    """What a signature is about, as the pipeline knows it at this moment. Times are aware (UTC).

    ``title`` names the subject in a statement that says it in words, as that of a phase does.
    """

    kind: SubjectKind
    id: str
    digest: str
    author: str
    frozen_at: datetime | None
    target_name: str
    system_identifier: str
    fingerprint: str
    nonce: str
    expires_at: datetime | None
    prerequisites: tuple[Prerequisite, ...] = ()
    stale_reasons: tuple[str, ...] = ()
    title: str = ""

    @property
    def subject(self) -> Subject:
        """Return which subject the facts are about."""
        return Subject(self.kind, self.id)


@dataclass(frozen=True)
class SignatureFact:
    """One signature as it was recorded; ``person`` is the user name, ``person_name`` the full name of then."""

    seat: str
    persona: str
    person: str
    decision: Verdict
    digest: str
    signed_at: datetime
    statement: str
    reason: str = ""
    revoked: bool = False
    revoked_by: str = ""
    revoked_reason: str = ""
    person_name: str = ""
    round: int = 0


@dataclass(frozen=True)
class SignatoryFact:
    """Who speaks for a persona on this subject, for good."""

    persona: str
    person: str


@dataclass(frozen=True)
class AccountChangeFact:
    """A change made to an account; ``changed_by`` is None when nobody is known to have made it."""

    kind: str
    changed_by: str | None
    at: datetime


@dataclass(frozen=True)
class Granted:
    """Every seat is approved and nothing stands against it."""

    signatures: tuple[SignatureFact, ...]

    @property
    def granted(self) -> bool:
        """Return True."""
        return True

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Return nothing: there is no reason against."""
        return ()


@dataclass(frozen=True)
class Denied:
    """At least one reason stands against; ``reasons`` is never empty."""

    reasons: tuple[Reason, ...]

    def __post_init__(self) -> None:
        if not self.reasons:
            raise ValueError("a denial names its reasons")

    @property
    def granted(self) -> bool:
        """Return False."""
        return False


Decision = Granted | Denied


@dataclass(frozen=True)
class SeatState:
    """A seat as a page or a command shows it."""

    seat: Seat
    state: State
    waiting_for: tuple[str, ...] = ()
    signed_by: str = ""
    person: str = ""
    signed_at: datetime | None = None
    reason: str = ""
    signature: SignatureFact | None = field(default=None, repr=False)
