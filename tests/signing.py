"""A changeset of its own and the people around it, for tests of signing."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from django.contrib.auth.models import User

from approvals import selectors, services
from approvals.gates import BEFORE, Granted, Prerequisite, Subject, SubjectFacts
from approvals.models import Signatory, Signature, SigningAttempt
from approvals.refusals import SigningRefused
from v7migration.ledger.models import Changeset, Rehearsal, Script, Snapshot

PASSWORD = "an-owl-at-noon-7"
ADDRESS = "192.0.2.7"


@dataclass
class Signing:
    """A changeset of its own and the people around it; names are unique, so that tests do not meet."""

    facts: SubjectFacts
    people: dict[str, User] = field(default_factory=dict)

    @property
    def subject(self) -> Subject:
        return self.facts.subject

    def sign(self, who: str, seat: str, **changes: object) -> Signature:
        arguments = {
            "subject": self.subject,
            "seat": seat,
            "person": self.people[who],
            "password": PASSWORD,
            "decision": "approved",
            "reason": "",
            "address": ADDRESS,
            "facts": self.facts,
            "shown_digest": self.facts.digest,
            **changes,
        }
        return services.sign(**arguments)  # type: ignore[arg-type]

    def refused(self, who: str, seat: str, **changes: object) -> str:
        """Try to sign; return the code of the refusal, after checking that nothing stands but the attempt."""
        before = (Signature.objects.count(), Signatory.objects.count(), SigningAttempt.objects.count())
        with pytest.raises(SigningRefused) as caught:
            self.sign(who, seat, **changes)
        after = (Signature.objects.count(), Signatory.objects.count(), SigningAttempt.objects.count())
        assert after == (before[0], before[1], before[2] + 1)
        attempt = SigningAttempt.objects.all()[0]
        assert (attempt.code, attempt.seat) == (caught.value.code, seat)
        assert caught.value.next_step
        return caught.value.code

    def sign_all(self) -> list[Signature]:
        return [
            self.sign("lead", "script-review"),
            self.sign("sentinel", "rehearsal"),
            self.sign("architect", "execution"),
        ]

    def is_open(self) -> bool:
        return isinstance(selectors.decision_on(seats=BEFORE, facts=self.facts), Granted)


CAST = {
    "lead": ["DB Team Lead"],
    "sentinel": ["Test Sentinel"],
    "architect": ["The Architect"],
    "everything": ["DB Team Lead", "Test Sentinel", "The Architect", "Dev Team"],
    "conductor": ["Conductor"],
    "outsider": [],
}


def make_changeset(author: str) -> Changeset:
    """Store a changeset with everything it refers to."""
    digest = secrets.token_hex(32)
    script = Script.objects.create(sha256=digest, content=b"SELECT 1;")
    snapshot = Snapshot.objects.create(
        taken_by=author, target_name="shop", system_identifier="73", database="shop", server_version=180000,
        fingerprint="f" * 64, fingerprint_version=1, document={}, enums=[],
    )  # fmt: skip
    rehearsal = Rehearsal.objects.create(
        script=script, snapshot=snapshot, by=author, ok=True, server_version=180000, report={}
    )
    return Changeset.objects.create(
        digest=digest, number=secrets.randbelow(2**31), manifest="{}", script=script, source=script, snapshot=snapshot,
        rehearsal=rehearsal, author=author, expires_at=selectors.database_now() + timedelta(days=14), nonce="n0nce",
    )  # fmt: skip


def make_signing() -> Signing:
    """Make the people first and freeze then, as life does."""
    tag = secrets.token_hex(4)
    people = {
        name: services.person_create(
            username=f"{name}-{tag}", password=PASSWORD, personas=personas, full_name=f"{name.title()} Example"
        )
        for name, personas in CAST.items()
    }
    changeset = make_changeset(people["lead"].username)
    facts = SubjectFacts(
        kind="changeset",
        id=changeset.digest,
        digest=changeset.digest,
        author=changeset.author,
        frozen_at=selectors.database_now(),
        target_name="shop",
        system_identifier="73",
        fingerprint="f" * 64,
        nonce=changeset.nonce,
        expires_at=changeset.expires_at,
        prerequisites=tuple(Prerequisite(f"task 2.1.{n}", met=True) for n in (1, 2, 3)),
    )
    return Signing(facts, people)
