"""The gate: pure rules, without a database."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from approvals.gates import (
    AFTER,
    APPROVED,
    BEFORE,
    REJECTED,
    ROLLBACK,
    SEATS,
    AccountChangeFact,
    Denied,
    Granted,
    Prerequisite,
    Seat,
    SignatoryFact,
    SignatureFact,
    SubjectFacts,
    decide,
    evaluate,
    may_sign,
    seat_states,
    statement_for,
)

FROZEN = datetime(2030, 5, 1, 12, 0, tzinfo=UTC)
NOW = FROZEN + timedelta(days=1)
TASKS_DONE = tuple(Prerequisite(f"task 2.1.{n}", met=True) for n in (1, 2, 3))
PEOPLE = {"DB Team Lead": "dora", "Test Sentinel": "tess", "The Architect": "ada", "Dev Team": "dev"}

CHANGESET = SubjectFacts(
    kind="changeset",
    id="d" * 64,
    digest="d" * 64,
    author="dora",
    frozen_at=FROZEN,
    target_name="shop on db1",
    system_identifier="7300000000000000001",
    fingerprint="f" * 64,
    nonce="n0nce",
    expires_at=FROZEN + timedelta(days=14),
    prerequisites=TASKS_DONE,
)
RUN = replace(CHANGESET, kind="run", id="run-1", expires_at=None, prerequisites=())


def signed(seat: Seat, facts: SubjectFacts = CHANGESET, **changes: Any) -> SignatureFact:
    """Return a good signature of ``seat``, given in its turn."""
    good = SignatureFact(
        seat=seat.key,
        persona=seat.persona,
        person=PEOPLE[seat.persona],
        decision=APPROVED,
        digest=facts.digest,
        signed_at=FROZEN + timedelta(minutes=seat.order),
        statement=statement_for(seat, facts),
    )
    return replace(good, **changes)


def all_signed(seats: tuple[Seat, ...] = BEFORE, facts: SubjectFacts = CHANGESET) -> list[SignatureFact]:
    return [signed(seat, facts) for seat in seats]


def codes(signatures: list[SignatureFact], facts: SubjectFacts = CHANGESET, **changes: Any) -> set[str]:
    """Return the codes that keep the gate closed; empty when it is open."""
    decision = decide(
        seats=changes.pop("seats", BEFORE), signatures=signatures, facts=replace(facts, **changes), now=NOW
    )
    return {reason.code for reason in decision.reasons}


def refusal(person: str, personas: set[str], seat: str, **changes: Any) -> str:
    """Return the code with which ``person`` is refused the seat, or an empty string."""
    about = {"facts": CHANGESET, "signatures": [], "now": NOW, **changes}
    reason = may_sign(person, frozenset(personas), SEATS[seat], **about)
    return reason.code if reason else ""


def test_three_people_in_order_open_the_gate() -> None:
    decision = decide(seats=BEFORE, signatures=all_signed(), facts=CHANGESET, now=NOW)
    assert isinstance(decision, Granted)
    assert [s.person for s in decision.signatures] == ["dora", "tess", "ada"]


def test_the_seats_before_are_the_three_of_the_document_with_the_architect_last() -> None:
    assert [(seat.key, seat.persona) for seat in BEFORE] == [
        ("script-review", "DB Team Lead"),
        ("rehearsal", "Test Sentinel"),
        ("execution", "The Architect"),
    ]
    for number, seat in enumerate(BEFORE):
        assert set(seat.requires) == {earlier.key for earlier in BEFORE[:number]}


def test_the_seats_after_end_with_the_architect() -> None:
    assert [seat.key for seat in AFTER] == ["validation", "validation-countersign", "integration", "phase-complete"]
    assert codes(all_signed(AFTER, RUN), RUN, seats=AFTER) == set()
    assert codes(all_signed(ROLLBACK, RUN), RUN, seats=ROLLBACK) == set()


def test_no_seats_close_the_gate() -> None:
    assert "no-seats" in codes([], seats=())


@pytest.mark.parametrize("seat", BEFORE, ids=lambda seat: seat.key)
def test_a_missing_signature_is_named_with_its_persona(seat: Seat) -> None:
    decision = decide(
        seats=BEFORE, signatures=[s for s in all_signed() if s.seat != seat.key], facts=CHANGESET, now=NOW
    )
    assert isinstance(decision, Denied)
    assert [(r.code, r.seat) for r in decision.reasons] == [("missing", seat.key)]
    assert seat.persona in decision.reasons[0].sentence


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"decision": REJECTED, "reason": "no rollback"}, "rejected"),
        ({"revoked": True, "revoked_reason": "saw it too late"}, "revoked"),
        ({"digest": "e" * 64}, "digest-differs"),
        ({"persona": "Dev Team"}, "wrong-persona"),
        ({"person": "ada"}, "one-person-two-personas"),
        ({"person": ""}, "person-unknown"),
        ({"statement": "I agree."}, "statement-differs"),
        ({"signed_at": NOW + timedelta(seconds=1)}, "signed-in-the-future"),
        ({"signed_at": FROZEN}, "out-of-order"),
    ],
)
def test_a_signature_with_a_fault_closes_the_gate_by_name(changes: dict[str, Any], code: str) -> None:
    given_signatures = all_signed()
    given_signatures[1] = replace(given_signatures[1], **changes)
    assert code in codes(given_signatures)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"expires_at": NOW}, "expired"),
        ({"expires_at": None}, "expiry-unknown"),
        ({"author": ""}, "author-unknown"),
        ({"author": "ada"}, "author"),
        ({"prerequisites": ()}, "prerequisites-unknown"),
        ({"prerequisites": (*TASKS_DONE, Prerequisite("rehearsal", met=False, reason="no rehearsal"))}, "prerequisite"),
        ({"stale_reasons": ("table public.x: column y added",)}, "stale"),
        ({"digest": ""}, "digest-unknown"),
        ({"system_identifier": "7300000000000000002"}, "statement-differs"),
        ({"nonce": "another"}, "statement-differs"),
        ({"kind": "run"}, "stale"),
    ],
)
def test_a_subject_with_a_fault_closes_the_gate_by_name(changes: dict[str, Any], code: str) -> None:
    assert code in codes(all_signed(), **changes)


def test_a_second_signature_of_an_earlier_seat_makes_the_architect_sign_again() -> None:
    first, second, last = all_signed()
    withdrawn = replace(first, revoked=True, revoked_reason="read again")
    again = replace(first, round=1, signed_at=last.signed_at + timedelta(minutes=1))
    assert codes([withdrawn, again, second, last]) == {"out-of-order"}
    last_again = replace(last, round=1, signed_at=again.signed_at + timedelta(minutes=2))
    second_again = replace(second, round=1, signed_at=again.signed_at + timedelta(minutes=1))
    old = [replace(s, revoked=True) for s in (second, last)]
    assert codes([withdrawn, again, *old, second_again, last_again]) == set()


def test_what_the_validation_waits_for_never_closes_the_way_back() -> None:
    unverified = replace(RUN, prerequisites=(Prerequisite("v7_verify", met=False, seat="validation"),))
    assert codes(all_signed(ROLLBACK, RUN), unverified, seats=ROLLBACK) == set()
    assert codes(all_signed(AFTER, RUN), unverified, seats=AFTER) == {"prerequisite"}
    assert refusal("tess", {"Test Sentinel"}, "validation", facts=unverified) == "prerequisite"
    assert refusal("ada", {"The Architect"}, "rollback", facts=unverified) == ""


def test_two_people_for_one_persona_close_the_gate() -> None:
    signatures = all_signed(AFTER, RUN)
    signatures[3] = replace(signatures[3], person="another-architect")
    assert codes(signatures, RUN, seats=AFTER) == {"one-persona-two-people"}


def test_evaluate_by_itself_closes_when_the_author_is_not_told() -> None:
    decision = evaluate(BEFORE, all_signed(), TASKS_DONE, CHANGESET.digest, NOW, CHANGESET.expires_at)
    assert {reason.code for reason in decision.reasons} == {"author-unknown"}


def test_a_denial_without_a_reason_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="reasons"):
        Denied(())


def test_the_statement_binds_meaning_target_fingerprint_nonce_and_expiry() -> None:
    sentence = statement_for(SEATS["execution"], CHANGESET)
    assert "accept the script review" in sentence
    assert "approve the execution" in sentence
    for bound in (CHANGESET.digest, "shop on db1", CHANGESET.system_identifier, CHANGESET.fingerprint, "n0nce"):
        assert bound in sentence
    assert "2030-05-15T12:00:00+00:00" in sentence
    assert statement_for(SEATS["execution"], CHANGESET, REJECTED).startswith("I refuse")


def test_the_board_says_for_whom_a_seat_waits() -> None:
    states = {s.seat.key: s for s in seat_states(BEFORE, [signed(BEFORE[0])])}
    assert [states[seat.key].state for seat in BEFORE] == ["approved", "open", "waiting"]
    assert states["execution"].waiting_for == ("Test Sentinel (Rehearsal and rollback verified)",)


def test_the_board_shows_a_revoked_seat_as_revoked_until_it_is_signed_again() -> None:
    revoked = signed(BEFORE[0], revoked=True, revoked_reason="wrong file")
    assert seat_states(BEFORE, [revoked])[0].state == "revoked"
    assert seat_states(BEFORE, [revoked])[0].reason == "wrong file"
    assert seat_states(BEFORE, [revoked, signed(BEFORE[0], round=1)])[0].state == "approved"


def test_the_order_is_enforced_for_approvals_and_a_fault_may_be_rejected_at_once() -> None:
    assert refusal("tess", {"Test Sentinel"}, "rehearsal") == "out-of-order"
    assert refusal("tess", {"Test Sentinel"}, "rehearsal", decision=REJECTED) == ""
    assert refusal("tess", {"Test Sentinel"}, "rehearsal", signatures=[signed(BEFORE[0])]) == ""


def test_a_rejected_earlier_seat_lets_nobody_sign_after_it() -> None:
    rejected = signed(BEFORE[0], decision=REJECTED, reason="no")
    assert refusal("tess", {"Test Sentinel"}, "rehearsal", signatures=[rejected]) == "out-of-order"


def test_the_architect_signs_only_when_the_tasks_are_done() -> None:
    two = all_signed()[:2]
    open_task = replace(CHANGESET, prerequisites=(Prerequisite("task 2.1.2", met=False),))
    assert refusal("ada", {"The Architect"}, "execution", signatures=two) == ""
    assert refusal("ada", {"The Architect"}, "execution", signatures=two, facts=open_task) == "prerequisite"
    unknown = replace(CHANGESET, prerequisites=())
    assert refusal("ada", {"The Architect"}, "execution", signatures=two, facts=unknown) == "prerequisites-unknown"
    assert refusal("dora", {"DB Team Lead"}, "script-review", facts=open_task) == ""


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"is_active": False}, "inactive"),
        ({"signatories": [SignatoryFact("Dev Team", "dora")]}, "second-persona"),
        ({"signatories": [SignatoryFact("DB Team Lead", "dan")]}, "persona-taken"),
        ({"signatures": [signed(BEFORE[0])]}, "already-signed"),
        ({"facts": RUN}, "wrong-subject"),
        ({"facts": replace(CHANGESET, stale_reasons=("changed",))}, "stale"),
        ({"facts": replace(CHANGESET, expires_at=NOW)}, "expired"),
        ({"facts": replace(CHANGESET, expires_at=None)}, "expiry-unknown"),
        ({"facts": replace(CHANGESET, digest="")}, "digest-unknown"),
        ({"facts": replace(CHANGESET, author="")}, "author-unknown"),
        ({"facts": replace(CHANGESET, frozen_at=None)}, "freeze-unknown"),
        ({}, ""),
    ],
)
def test_who_may_not_sign_is_told_why(changes: dict[str, Any], code: str) -> None:
    assert refusal("dora", {"DB Team Lead"}, "script-review", **changes) == code


def test_the_author_signs_only_as_db_team_lead() -> None:
    both = {"DB Team Lead", "The Architect", "Test Sentinel"}
    assert refusal("dora", both, "script-review") == ""
    assert refusal("dora", both, "rehearsal", signatures=all_signed()[:1]) == "author"
    assert refusal("dora", both, "execution", signatures=all_signed()[:2]) == "author"


@pytest.mark.parametrize(
    ("kind", "by", "minutes", "code"),
    [
        ("password", "root", 1, "account-changed"),
        ("password", None, 1, "account-changed"),
        ("password", "dora", 1, ""),
        ("password", "root", -1, ""),
        ("personas", "dora", 1, "account-changed"),
        ("created", None, 1, "account-changed"),
        ("email", "dora", 1, ""),
    ],
)
def test_an_account_changed_by_somebody_else_after_the_freeze_cannot_sign(
    kind: str, by: str | None, minutes: int, code: str
) -> None:
    change = AccountChangeFact(kind, by, FROZEN + timedelta(minutes=minutes))
    assert refusal("dora", {"DB Team Lead"}, "script-review", account_changes=[change]) == code


def test_a_seat_that_is_not_ours_cannot_be_signed() -> None:
    forged = replace(BEFORE[2], persona="Conductor", requires=())
    reason = may_sign("carl", frozenset({"Conductor"}), forged, facts=CHANGESET, signatures=[], now=NOW)
    assert reason is not None
    assert reason.code == "unknown-seat"


FAULTS = st.sampled_from(
    [
        {"decision": REJECTED, "reason": "no"},
        {"revoked": True},
        {"digest": "e" * 64},
        {"persona": "Conductor"},
        {"statement": ""},
        {"signed_at": NOW + timedelta(days=1)},
        {"person": ""},
    ]
)


@given(st.sets(st.sampled_from([seat.key for seat in BEFORE])))
def test_only_all_seats_open_the_gate(present: set[str]) -> None:
    assert (codes([s for s in all_signed() if s.seat in present]) == set()) == (len(present) == len(BEFORE))


@given(st.integers(0, len(BEFORE) - 1), FAULTS)
def test_any_fault_in_any_signature_closes(index: int, fault: dict[str, Any]) -> None:
    signatures = all_signed()
    signatures[index] = replace(signatures[index], **fault)
    assert codes(signatures) != set()


@given(st.integers(0, 3), st.text(min_size=1, max_size=20), st.text(min_size=1, max_size=20))
def test_one_more_seat_never_opens_a_closed_gate(missing: int, key: str, persona: str) -> None:
    signatures = all_signed()[:missing]
    before = decide(seats=BEFORE, signatures=signatures, facts=CHANGESET, now=NOW)
    extra = Seat(f"x-{key}", persona, "Extra", "I agree to {digest}.", "changeset", 9)
    after = decide(seats=(*BEFORE, extra), signatures=signatures, facts=CHANGESET, now=NOW)
    assert isinstance(after, Denied)
    assert set(before.reasons) <= set(after.reasons)


@given(st.permutations(range(len(BEFORE))))
def test_the_order_in_which_signatures_are_listed_does_not_matter(order: list[int]) -> None:
    signatures = all_signed()
    assert codes([signatures[i] for i in order]) == set()


@given(st.permutations([timedelta(minutes=m) for m in (1, 2, 3)]))
def test_only_signing_in_the_order_of_the_seats_opens(times: list[timedelta]) -> None:
    signatures = [replace(s, signed_at=FROZEN + t) for s, t in zip(all_signed(), times, strict=True)]
    assert (codes(signatures) == set()) == (times == sorted(times))


@given(st.lists(st.sampled_from(["ada", "dora", "tess"]), min_size=3, max_size=3))
def test_fewer_than_three_people_never_open(people: list[str]) -> None:
    signatures = [replace(s, person=p) for s, p in zip(all_signed(), people, strict=True)]
    if len(set(people)) < len(BEFORE):
        assert codes(signatures) != set()
