"""Signing, rejecting and revoking on a real PostgreSQL; each test has people and a changeset of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, IntegrityError, connections, transaction
from django.db.models import Model

from approvals import selectors, services
from approvals.actors import acting
from approvals.forms import RevokeForm, SignForm
from approvals.gates import AFTER, BEFORE, SEATS, Subject
from approvals.models import AccountChange, Holding, Persona, Revocation, Signatory, Signature, SigningAttempt
from approvals.refusals import SigningRefused
from tests.signing import PASSWORD, Signing, make_signing
from tests.world import World
from v7migration.errors import AppendOnlyRefused, Refused, UsageError
from v7migration.ledger.models import Event

pytestmark = pytest.mark.usefixtures("rolled_back")


@pytest.fixture
def signing(rolled_back: World) -> Signing:
    return make_signing()


@contextmanager
def refusing(message: str) -> Iterator[None]:
    """Expect the database to refuse, and go on in the same transaction."""
    with pytest.raises(DatabaseError, match=message), transaction.atomic():
        yield


def test_three_people_sign_in_order_and_the_gate_opens(signing: Signing) -> None:
    assert not signing.is_open()
    signatures = signing.sign_all()
    assert signing.is_open()
    assert [s.person_name for s in signatures] == ["Lead Example", "Sentinel Example", "Architect Example"]
    assert signatures[0].signed_at < signatures[1].signed_at < signatures[2].signed_at
    assert signing.facts.digest in signatures[2].statement
    assert Event.objects.filter(kind="signature.approved", subject=f"changeset:{signing.facts.id}").count() == 3


@pytest.mark.parametrize(
    ("who", "seat", "changes", "code"),
    [
        ("lead", "script-review", {"password": "guess"}, "wrong-password"),
        ("lead", "script-review", {"password": ""}, "wrong-password"),
        ("sentinel", "script-review", {}, "wrong-persona"),
        ("outsider", "script-review", {}, "wrong-persona"),
        ("conductor", "script-review", {}, "wrong-persona"),
        ("sentinel", "rehearsal", {}, "out-of-order"),
        ("architect", "execution", {}, "out-of-order"),
        ("lead", "script-review", {"shown_digest": "0" * 64}, "stale-page"),
        ("lead", "script-review", {"decision": "rejected", "reason": "  "}, "reason-missing"),
        ("lead", "script-review", {"decision": "perhaps"}, "decision-unknown"),
        ("lead", "no-such-seat", {}, "unknown-seat"),
        ("sentinel", "validation", {}, "wrong-subject"),
        ("lead", "script-review", {"subject": Subject("changeset", "0" * 64)}, "unknown-subject"),
        ("lead", "script-review", {"subject": Subject("run", "not-a-uuid")}, "unknown-subject"),
    ],
)
def test_a_wrong_attempt_is_refused_by_name_and_leaves_only_itself(
    signing: Signing, who: str, seat: str, changes: dict[str, object], code: str
) -> None:
    assert signing.refused(who, seat, **changes) == code
    assert Event.objects.filter(kind="signature.refused", actor=signing.people[who].username).exists()


def test_the_second_post_is_told_when_and_by_whom_it_was_signed(signing: Signing) -> None:
    signing.sign("lead", "script-review")
    assert signing.refused("lead", "script-review") == "already-signed"
    assert "Lead Example" in SigningAttempt.objects.all()[0].sentence


def test_one_person_never_speaks_for_two_personas(signing: Signing) -> None:
    signing.sign("everything", "script-review")
    assert signing.refused("everything", "rehearsal") == "second-persona"


def test_a_superuser_without_the_persona_cannot_sign(signing: Signing) -> None:
    root = services.person_create(username=f"root-{signing.facts.id[:6]}", password=PASSWORD, superuser=True)
    signing.people["root"] = root
    assert signing.refused("root", "script-review") == "wrong-persona"


def test_the_author_may_not_take_another_seat(signing: Signing) -> None:
    signing.facts = replace(signing.facts, author=signing.people["everything"].username)
    signing.sign("lead", "script-review")
    assert signing.refused("everything", "rehearsal") == "author"


def test_an_inactive_account_cannot_sign_and_its_signature_no_longer_opens(signing: Signing) -> None:
    signing.sign_all()
    sentinel = signing.people["sentinel"]
    User.objects.filter(pk=sentinel.pk).update(is_active=False)
    decision = selectors.decision_on(seats=BEFORE, facts=signing.facts)
    assert [reason.code for reason in decision.reasons] == ["inactive"]
    assert signing.refused("sentinel", "rehearsal") == "wrong-password"


def test_a_rejection_closes_until_it_is_revoked_and_signed_again(signing: Signing) -> None:
    rejection = signing.sign("lead", "script-review", decision="rejected", reason="Section 4 lacks an index")
    assert rejection.statement.startswith("I refuse")
    assert signing.refused("sentinel", "rehearsal") == "out-of-order"
    services.revoke(signature=rejection, person=signing.people["lead"], password=PASSWORD, reason="read again")
    signing.sign_all()
    assert signing.is_open()
    rounds = selectors.signatures_of(signing.subject).filter(seat="script-review").values_list("round", flat=True)
    assert list(rounds) == [0, 1]


def test_a_revoked_signature_closes_the_gate(signing: Signing) -> None:
    signatures = signing.sign_all()
    services.revoke(signature=signatures[1], person=signing.people["sentinel"], password=PASSWORD, reason="a doubt")
    decision = selectors.decision_on(seats=BEFORE, facts=signing.facts)
    assert [(reason.code, reason.seat) for reason in decision.reasons] == [("revoked", "rehearsal")]


def test_after_a_revocation_the_architect_signs_again_last(signing: Signing) -> None:
    signatures = signing.sign_all()
    services.revoke(signature=signatures[1], person=signing.people["sentinel"], password=PASSWORD, reason="a doubt")
    signing.sign("sentinel", "rehearsal")
    decision = selectors.decision_on(seats=BEFORE, facts=signing.facts)
    assert [(reason.code, reason.seat) for reason in decision.reasons] == [("out-of-order", "execution")]


@pytest.mark.parametrize(
    ("who", "password", "reason", "code"),
    [
        ("lead", "guess", "why", "wrong-password"),
        ("lead", PASSWORD, " ", "reason-missing"),
        ("sentinel", PASSWORD, "why", "not-yours"),
        ("architect", PASSWORD, "why", ""),
        ("lead", PASSWORD, "why", ""),
    ],
)
def test_only_the_signer_or_the_architect_revokes_with_a_password_and_a_reason(
    signing: Signing, who: str, password: str, reason: str, code: str
) -> None:
    signature = signing.sign("lead", "script-review")

    def revoke() -> Revocation:
        return services.revoke(signature=signature, person=signing.people[who], password=password, reason=reason)

    if not code:
        assert revoke().by == signing.people[who]
        with pytest.raises(SigningRefused, match="Already revoked"):
            revoke()
        return
    with pytest.raises(SigningRefused) as caught:
        revoke()
    assert caught.value.code == code
    assert not Revocation.objects.filter(signature=signature).exists()


def test_facts_are_asked_for_after_the_subject_is_locked(signing: Signing) -> None:
    stale = replace(signing.facts, stale_reasons=("table public.x: column y added",))
    assert signing.refused("lead", "script-review", facts=lambda: stale) == "stale"


def test_a_password_that_somebody_else_set_after_the_freeze_cannot_sign(signing: Signing) -> None:
    lead = signing.people["lead"]
    lead.set_password(PASSWORD)
    with acting(signing.people["outsider"].username):
        lead.save()
    assert signing.refused("lead", "script-review") == "account-changed"
    assert signing.people["outsider"].username in SigningAttempt.objects.all()[0].sentence


def test_a_password_set_past_the_application_cannot_sign_either(signing: Signing) -> None:
    lead = signing.people["lead"]
    lead.set_password(PASSWORD)
    User.objects.filter(pk=lead.pk).update(password=lead.password)
    change = AccountChange.objects.filter(user=lead)[0]
    assert (change.kind, change.changed_by) == ("password", None)
    assert signing.refused("lead", "script-review") == "account-changed"


def test_the_own_password_may_be_changed_by_its_person(signing: Signing) -> None:
    lead = signing.people["lead"]
    lead.set_password(PASSWORD)
    with acting(lead.username):
        lead.save()
    signing.sign("lead", "script-review")


def test_a_persona_given_after_the_freeze_cannot_sign_even_by_oneself(signing: Signing) -> None:
    outsider = signing.people["outsider"]
    services.grant(persona="DB Team Lead", user=outsider, by=outsider)
    assert Event.objects.filter(kind="persona.granted", subject=outsider.username).exists()
    assert signing.refused("outsider", "script-review") == "account-changed"


def test_a_name_announced_for_one_change_is_not_used_for_the_next(signing: Signing) -> None:
    lead = signing.people["lead"]
    with acting(lead.username):
        lead.email = "lead@example.org"
        lead.save()
    User.objects.filter(pk=lead.pk).update(email="other@example.org")
    changes = AccountChange.objects.filter(user=lead, kind="email").order_by("id")
    assert [change.changed_by for change in changes] == [lead.username, None]


def test_signing_in_is_not_a_change_of_the_account(signing: Signing) -> None:
    lead = signing.people["lead"]
    before = AccountChange.objects.filter(user=lead).count()
    lead.last_login = selectors.database_now()
    lead.save(update_fields=["last_login"])
    assert AccountChange.objects.filter(user=lead).count() == before


RECORDS: list[tuple[type[Model], Callable[[Signing], dict[str, object]]]] = [
    (Signature, lambda s: {"subject_id": s.facts.id}),
    (Signatory, lambda s: {"subject_id": s.facts.id}),
    (Revocation, lambda s: {"signature__subject_id": s.facts.id}),
    (SigningAttempt, lambda s: {"subject_id": s.facts.id}),
    (AccountChange, lambda s: {"user": s.people["lead"]}),
]


@pytest.mark.parametrize(("model", "mine"), RECORDS, ids=lambda value: getattr(value, "__name__", ""))
def test_records_refuse_every_way_of_changing_them(
    signing: Signing, model: type[Model], mine: Callable[[Signing], dict[str, object]]
) -> None:
    signature = signing.sign("lead", "script-review")
    services.revoke(signature=signature, person=signing.people["lead"], password=PASSWORD, reason="again")
    signing.refused("outsider", "script-review")
    rows = model._default_manager.filter(**mine(signing))
    row = rows.first()
    assert row is not None
    table = model._meta.db_table
    for attempt in (
        row.save,
        row.delete,
        rows.delete,
        lambda: rows.update(pk=row.pk),
        lambda: rows._raw_delete("default"),
    ):
        with pytest.raises(AppendOnlyRefused):
            attempt()
    with connections["default"].cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for statement in (f"UPDATE {table} SET id = id", f"DELETE FROM {table}", f"TRUNCATE {table} CASCADE"):
            with refusing("append-only|permission denied"):
                cursor.execute(statement)
    assert rows.count() >= 1


def test_the_triggers_also_fire_in_a_session_that_replays_a_replica(signing: Signing) -> None:
    with connections["default"].cursor() as cursor:
        cursor.execute(
            "SELECT c.relname, t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
            "WHERE NOT t.tgisinternal AND c.relname LIKE 'approvals%%' AND t.tgenabled <> 'A'"
        )
        assert cursor.fetchall() == []


def insert_signature(signing: Signing, **changes: object) -> Signature:
    """Insert past the service, as a bug or an attack would."""
    lead = signing.people["lead"]
    row = {
        "subject_kind": "changeset",
        "subject_id": signing.facts.id,
        "seat": "script-review",
        "round": 0,
        "persona": "DB Team Lead",
        "person": lead,
        "person_name": "Lead",
        "decision": "approved",
        "statement": "I agree.",
        "digest": signing.facts.digest,
        **changes,
    }
    return Signature.objects.create(**row)


def test_the_database_refuses_a_signature_without_its_signatory(signing: Signing) -> None:
    with refusing("does not speak for"):
        insert_signature(signing)


def test_the_database_refuses_a_signature_of_somebody_without_the_persona(signing: Signing) -> None:
    outsider = signing.people["outsider"]
    Signatory.objects.create(
        subject_kind="changeset", subject_id=signing.facts.id, persona="DB Team Lead", person=outsider
    )
    with refusing("does not hold"):
        insert_signature(signing, person=outsider)


def test_the_database_keeps_one_living_signature_in_a_seat(signing: Signing) -> None:
    signing.sign("lead", "script-review")
    with refusing("round 1"):
        insert_signature(signing, round=1)
    with refusing("approvals_one_signature_per_seat_and_round"):
        insert_signature(signing)


def test_the_database_dates_a_signature_whatever_the_application_says(signing: Signing) -> None:
    Signatory.objects.create(
        subject_kind="changeset", subject_id=signing.facts.id, persona="DB Team Lead", person=signing.people["lead"]
    )
    frozen_at = selectors.database_now()
    forged = insert_signature(signing, signed_at=frozen_at - timedelta(days=30))
    forged = Signature.objects.get(pk=forged.pk)
    assert forged.signed_at > frozen_at


def test_the_database_binds_one_person_to_one_persona(signing: Signing) -> None:
    bound = {"subject_kind": "changeset", "subject_id": signing.facts.id}
    Signatory.objects.create(**bound, persona="DB Team Lead", person=signing.people["lead"])
    with refusing("approvals_one_persona_per_person"):
        Signatory.objects.create(**bound, persona="Test Sentinel", person=signing.people["lead"])
    with refusing("approvals_one_person_per_persona"):
        Signatory.objects.create(**bound, persona="DB Team Lead", person=signing.people["architect"])


def test_a_persona_is_never_renamed(signing: Signing) -> None:
    persona = Persona.objects.get(name="Conductor")
    persona.name = "The Chief Architect"
    with refusing("append-only|permission denied"):
        persona.save()


def test_an_account_that_left_a_record_cannot_be_deleted(signing: Signing) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        signing.people["lead"].delete()


def test_the_board_shows_each_reader_what_he_may_do(signing: Signing) -> None:
    signing.sign("lead", "script-review")
    rows = {row.state.seat.key: row for row in _board(signing, "sentinel")}
    assert [rows[seat.key].state.state for seat in BEFORE] == ["approved", "open", "waiting"]
    assert rows["script-review"].state.signed_by == "Lead Example"
    assert [row.may_sign for row in rows.values()] == [False, True, False]
    assert [row.may_revoke for row in rows.values()] == [False, False, False]
    assert [row.may_revoke for row in _board(signing, "architect")] == [True, False, False]


def _board(signing: Signing, who: str) -> list[selectors.SeatRow]:
    return selectors.seat_board(seats=BEFORE, facts=signing.facts, user=signing.people[who])


def test_what_waits_for_a_person_follows_the_order(signing: Signing) -> None:
    def waiting(who: str) -> list[str]:
        found = selectors.waiting_for(user=signing.people[who], subjects=[(BEFORE, signing.facts)])
        return [item.seat.key for item in found]

    assert (waiting("lead"), waiting("sentinel"), waiting("outsider")) == (["script-review"], [], [])
    signing.sign("lead", "script-review")
    assert (waiting("lead"), waiting("sentinel"), waiting("architect")) == ([], ["rehearsal"], [])


def test_guessing_the_password_again_and_again_locks_the_account_out(signing: Signing) -> None:
    for _ in range(6):
        signing.refused("lead", "script-review", password="guess")
    assert signing.refused("lead", "script-review") == "wrong-password"


def test_the_form_asks_for_a_reason_of_a_rejection_and_for_the_page_of_now(signing: Signing) -> None:
    def errors(**changes: str) -> set[str | None]:
        data = {"decision": "approved", "password": " p ", "shown_digest": signing.facts.digest, **changes}
        form = SignForm(data, facts=signing.facts, seat=SEATS["script-review"])
        form.is_valid()
        return {error.code for errors in form.errors.as_data().values() for error in errors}

    assert errors() == set()
    assert errors(decision="rejected") == {"reason-missing"}
    assert errors(decision="rejected", reason="no") == set()
    assert errors(shown_digest="0" * 64) == {"stale-page"}
    assert errors(password="") == {"required"}
    assert not RevokeForm({"password": "p", "reason": " "}).is_valid()


def test_the_form_never_renders_a_password_back(signing: Signing) -> None:
    form = SignForm({"password": "s3cret-owl"}, facts=signing.facts, seat=SEATS["execution"])
    assert "s3cret-owl" not in str(form)


def test_people_are_staff_who_may_look_and_not_change(signing: Signing) -> None:
    lead = User.objects.get(pk=signing.people["lead"].pk)
    assert (lead.is_staff, lead.is_superuser) == (True, False)
    assert lead.has_perm("approvals.view_signature")
    assert lead.has_perm("ledger.view_changeset")
    assert not lead.has_perm("approvals.add_holding")


def test_a_weak_password_a_taken_name_and_an_unknown_persona_are_refused(signing: Signing) -> None:
    name = signing.people["lead"].username
    with pytest.raises(Refused):
        services.person_create(username="weak", password="password")
    with pytest.raises(Refused, match="already an account"):
        services.person_create(username=name.upper(), password=PASSWORD)
    with pytest.raises(UsageError, match="no persona"):
        services.person_create(username=f"{name}-2", password=PASSWORD, personas=["The Boss"])
    assert not User.objects.filter(username=f"{name}-2").exists()


def test_a_withdrawn_persona_can_no_longer_sign(signing: Signing) -> None:
    services.withdraw(persona="DB Team Lead", user=signing.people["lead"], by=None)
    assert not Holding.objects.filter(user=signing.people["lead"]).exists()
    assert signing.refused("lead", "script-review") == "wrong-persona"


def test_the_personas_are_those_of_the_document() -> None:
    personas = {p.name: p for p in Persona.objects.all()}
    assert personas["The Architect"].layer_number == 0
    assert personas["Test Sentinel"].layer_number == 7
    assert not personas["Conductor"].may_approve
    assert {seat.persona for seat in (*BEFORE, *AFTER)} <= personas.keys()
    assert [f"WF{n} Persona" in personas for n in range(1, 8)] == [True] * 7
