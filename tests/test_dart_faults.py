"""DART that fails, refuses, is down or lies: nothing is lost, nothing is sent twice, nothing is half-written."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connections
from pytest_django import Settings

from tests.cast import PASSWORD
from tests.dart import TOKEN, StandIn, standing_in
from tests.environment import DART_TOKEN
from tests.signing import make_changeset
from tests.test_dart import PATIENCE, State, dart, now, passed
from tests.world import World
from tracking.models import SubworkflowTask
from v7migration.errors import Refused, V7Error
from v7migration.ledger.models import Changeset, DartDelivery, Event
from v7migration.ledger.services import open_incident
from v7migration.pipeline.integrate.dart import client, content, delivering, outbox, secret
from v7migration.pipeline.integrate.dart.client import OFFICIAL, Limited, Place, TokenRefused, Unreachable
from v7migration.pipeline.integrate.dart.delivering import MOST_TRIES, deliver
from v7migration.pipeline.integrate.dart.recording import record, retry

__all__ = ["dart"]

REVIEW = "Review changeset"
DONE_ALL_THE_SAME = ["lost", "half", "late", "malformed", "types"]
NOT_DONE = [500, 502, 503, 408, "slow", "refused", 302]


@pytest.fixture
def asked(rolled_back: World, dart: StandIn) -> Iterator[World]:
    """A control plane with a changeset that waits to be submitted; what the test writes is taken back."""
    make_changeset("lena")
    yield rolled_back


def review() -> DartDelivery:
    """Return the request for review."""
    return DartDelivery.objects.get(kind="review")


@pytest.mark.parametrize("fault", [*DONE_ALL_THE_SAME, *NOT_DONE])
def test_whatever_becomes_of_an_answer_the_task_is_there_once(asked: World, dart: StandIn, fault: int | str) -> None:
    dart.fail(fault, method="POST", words=REVIEW)
    passed(asked)
    row = review()
    assert (row.state, row.attempts, bool(row.last_error)) == (State.QUEUED, 1, True)
    assert row.next_try_at > datetime.now(UTC) + timedelta(seconds=10)
    assert len(dart.titled(REVIEW)) == (fault in DONE_ALL_THE_SAME)
    assert DartDelivery.objects.filter(kind="task").exclude(state=State.DELIVERED).count() == 0
    passed(asked)
    assert review().state == State.QUEUED, "it is not tried before its time"
    now()
    passed(asked)
    assert review().state == State.DELIVERED
    assert dart.one(REVIEW)["id"] == review().dart_id


def test_a_process_that_died_after_the_answer_leaves_no_twin(
    asked: World, dart: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched, pytest.raises(SystemExit):
        patched.setattr(delivering._Pass, "_claim", lambda *_: (_ for _ in ()).throw(SystemExit(9)))
        passed(asked)
    assert len(dart.tasks) == 1
    passed(asked)
    titles = [task["title"] for task in dart.tasks.values()]
    assert len(titles) == len(set(titles)) == SubworkflowTask.objects.count() + 1


def test_dart_that_asks_to_wait_is_left_alone_and_counts_against_nobody(asked: World, dart: StandIn) -> None:
    fault = dart.fail(429, method="POST", headers={"Retry-After": "300"})
    with pytest.raises(Limited, match="300 s"):
        passed(asked)
    rows = DartDelivery.objects.all()
    assert {(row.state, row.attempts) for row in rows} == {(State.QUEUED, 0)}
    assert min(row.next_try_at for row in rows) > datetime.now(UTC) + timedelta(seconds=290)
    assert (fault.times, dart.tasks) == (0, {})
    passed(asked)
    assert dart.tasks == {}
    now()
    passed(asked)
    assert review().state == State.DELIVERED


@pytest.mark.parametrize(
    ("told", "seconds"),
    [("7", 7), ("0", 1), ("", 60), ("soon", 60), ("99999999999", 86_400), ("-5", 60),
     ("Wed, 21 Oct 2015 07:28:00 GMT", 1)],
)  # fmt: skip
def test_retry_after_is_a_number_or_a_date_and_never_longer_than_a_day(told: str, seconds: int) -> None:
    assert client._pause(told) == seconds


def test_a_dart_that_is_down_for_a_day_loses_and_gives_up_nothing(asked: World, dart: StandIn) -> None:
    outage = dart.fail(503, times=10_000)
    for _ in range(MOST_TRIES + 5):
        with pytest.raises(Unreachable, match="503"):
            passed(asked)
        now()
    assert set(DartDelivery.objects.values_list("state", "attempts")) == {(State.QUEUED, 0)}
    outage.times = 0
    passed(asked)
    assert not DartDelivery.objects.exclude(state=State.DELIVERED).exists()
    assert len(dart.tasks) == SubworkflowTask.objects.count() + 1


def test_a_dart_that_goes_down_in_the_middle_ends_the_pass(asked: World, dart: StandIn) -> None:
    outage = dart.fail("refused", method="POST", times=10_000)
    with pytest.raises(Unreachable):
        passed(asked)
    assert dart.asked_for("POST") == delivering.IN_A_ROW
    assert DartDelivery.objects.filter(attempts=0).count() >= DartDelivery.objects.count() - delivering.IN_A_ROW
    outage.times = 0
    now()
    passed(asked)
    assert not DartDelivery.objects.exclude(state=State.DELIVERED).exists()


def test_a_port_where_nobody_listens_is_a_dart_that_is_down(asked: World, settings: Settings) -> None:
    with standing_in() as gone:
        settings.V7_DART_URL = gone.origin
    with pytest.raises(Unreachable, match="ConnectError"):
        passed(asked)


def test_what_fails_too_often_is_given_up_with_its_reason(asked: World, dart: StandIn) -> None:
    dart.fail(500, method="POST", words=REVIEW, times=10_000)
    for _ in range(MOST_TRIES):
        now()
        passed(asked)
    row = review()
    assert (row.state, row.attempts) == (State.DEAD, MOST_TRIES)
    assert "500" in row.last_error
    assert Event.objects.filter(kind="dart.dead", subject=row.subject).count() == 1


def test_what_dart_refuses_is_given_up_at_once_until_a_person_retries(asked: World, dart: StandIn) -> None:
    dart.fail(400, method="POST", words=REVIEW)
    passed(asked)
    row = review()
    assert (row.state, row.attempts) == (State.DEAD, 1)
    now()
    passed(asked)
    assert dart.titled(REVIEW) == []
    with pytest.raises(V7Error, match="may not retry"):
        retry(wanted=str(row.pk), actor=asked.actor("otto"))
    for nonsense in ("", "x", "-1", "1;2", "٣"):
        with pytest.raises(V7Error):
            retry(wanted=nonsense, actor=asked.actor("dev"))
    assert [found.pk for found in retry(wanted=str(row.pk), actor=asked.actor("dev"))] == [row.pk]
    passed(asked)
    assert review().state == State.DELIVERED
    assert Event.objects.get(kind="dart.retried").actor == "dev"


def test_a_changeset_that_a_newer_one_replaced_is_not_submitted_any_more(asked: World, dart: StandIn) -> None:
    make_changeset("lena")
    newer, old = Changeset.objects.select_related("snapshot")
    outbox.queue(kind="review", subject=old.digest, key=f"review:{old.digest}", payload=content.of_review(old))
    report = passed(asked)
    assert [found["said"] for found in report["waiting"]] == ["A newer changeset took its place."]
    assert newer.digest in dart.one(REVIEW)["description"]
    row = DartDelivery.objects.get(subject=old.digest)
    assert (row.state, row.attempts) == (State.QUEUED, 0)
    with pytest.raises(Refused, match="newer changeset"):
        record(delivery=row, actor=asked.actor("dev"), dart_id="abcDEF123456")
    assert 'name="dart_id"' not in asked.client("dev").get("/dart/").content.decode()


@pytest.mark.parametrize("status", [401, 403])
def test_a_token_that_is_refused_ends_the_pass_and_counts_against_nobody(
    asked: World, dart: StandIn, status: int
) -> None:
    dart.fail(status, method="POST")
    with pytest.raises(TokenRefused, match="refuses the token"):
        passed(asked)
    assert set(DartDelivery.objects.values_list("state", "attempts", "sent_at")) == {(State.QUEUED, 0, None)}
    passed(asked)
    assert review().state == State.DELIVERED


def test_an_id_that_dart_does_not_know_is_named_and_corrected_by_a_person(asked: World, dart: StandIn) -> None:
    passed(asked)
    task = SubworkflowTask.objects.get(parent_phase__phase_number=1, task_number=1)
    good, row = task.dart_task_id or "", DartDelivery.objects.get(key=f"task:{task.pk}")
    del dart.tasks[good]
    told = passed(asked)["failed"]
    assert [found["key"] for found in told] == [row.key]
    row.refresh_from_db()
    assert row.state == State.DEAD
    assert f"it knows no task {good}" in row.last_error
    assert passed(asked)["failed"] == []
    asked.client("ada").post(f"/tasks/{task.pk}/dart/", {"dart_id": ""})
    passed(asked)
    task.refresh_from_db()
    assert task.dart_task_id in dart.tasks


def test_a_dartboard_that_is_not_there_waits_for_a_person_and_counts_against_nobody(
    asked: World, dart: StandIn, settings: Settings
) -> None:
    settings.V7_DART_DARTBOARD = "V7 {phase}/Database"
    dart.dartboards.append("V7 4/Database")
    report = passed(asked)
    assert "no dartboard “V7 1/Database”" in report["waiting"][0]["said"]
    assert {task["dartboard"] for task in dart.tasks.values()} == {"V7 4/Database"}
    waiting = DartDelivery.objects.filter(state=State.QUEUED)
    assert set(waiting.values_list("payload__phase", "attempts")) == {(1, 0)}


def test_a_comment_follows_its_task_and_is_made_once(asked: World, dart: StandIn) -> None:
    incident = open_incident(
        run=None, step="", title="The index is invalid", detail={}, opened_by="lena", severity="critical"
    )
    dart.fail("lost", method="POST", path="/comments")
    passed(asked)
    row = DartDelivery.objects.get(kind="comment")
    assert (row.state, row.subject) == (State.QUEUED, str(incident.pk))
    now()
    passed(asked)
    (comment,) = dart.comments.values()
    assert "The index is invalid" in comment["text"]
    assert "The Architect (critical: at once)" in comment["text"]
    task = SubworkflowTask.objects.get(parent_phase__phase_number=4, task_number=4)
    assert comment["taskId"] == task.dart_task_id
    row.refresh_from_db()
    assert (row.state, row.dart_id) == (State.DELIVERED, comment["id"])


def test_a_workspace_with_single_assignees_gets_single_assignees(asked: World, dart: StandIn) -> None:
    dart.several = False
    passed(asked)
    assert dart.refused == []
    assert dart.one("2.1.2")["assignee"] == "lena@example.org"
    assert dart.one(REVIEW)["assignee"] == "ada@example.org"


def test_a_dry_run_asks_says_and_changes_nothing(asked: World, dart: StandIn) -> None:
    passed(asked)
    dart.one("1.2 Inventory")["status"] = "Doing"
    dart.one("1.1 Compare")["title"] = "renamed"
    open_incident(run=None, step="", title="Something", detail={}, opened_by="lena")
    before, tasks, asked_before = everything(), json.dumps(dart.tasks), len(dart.asked)
    report = deliver(actor=asked.actor("dana"), is_dry=True, patience=PATIENCE)
    assert {found["field"] for found in report["differences"]} == {"status", "title"}
    assert any("would comment" in found["said"] for found in report["sent"])
    assert {method for method, _ in dart.asked[asked_before:]} == {"GET"}
    assert (everything(), json.dumps(dart.tasks)) == (before, tasks)


def test_two_deliveries_at_once_are_one(asked: World) -> None:
    with asked.web("default") as other:
        other.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [delivering._LOCK])
        with pytest.raises(Refused, match="under way"):
            passed(asked)


def everything() -> str:
    """Return all rows of the control plane as text, the sessions aside."""
    with connections["default"].cursor() as cursor:
        cursor.execute(
            "SELECT quote_ident(relname) FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace "
            "WHERE nspname = 'public' AND relkind = 'r' ORDER BY 1"
        )
        texts = []
        for (table,) in cursor.fetchall():
            cursor.execute(f"SELECT string_agg(t::text, chr(10) ORDER BY t::text) FROM {table} AS t")
            texts.append(f"{table}\n{cursor.fetchone()[0]}")
    return "\n".join(texts)


def test_the_token_is_in_no_output_log_page_row_or_traceback(
    asked: World, dart: StandIn, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("V7_PASSWORD", PASSWORD)
    told: list[str] = []
    handler = logging.StreamHandler()
    handler.addFilter(secret.RedactingFilter())
    with caplog.at_level(logging.DEBUG):
        for faults in ({401: ""}, {429: ""}, {500: '"1.1 ', 418: '"1.2 ', 400: REVIEW}):
            for what, words in faults.items():
                dart.fail(what, method="POST", words=words)
            now()
            try:
                call_command("v7_integrate", "dart", "--json")
            except (CommandError, V7Error) as error:
                told += traceback.format_exception(error)
                told.append(repr(vars(error)))
            except SystemExit:
                pass
    told.append(repr(client.Gateway(Place.configured())))
    captured = capsys.readouterr()
    told += [captured.out, captured.err, caplog.text, everything()]
    told += [asked.client("ada").get(page).content.decode() for page in ("/dart/", "/criteria/", "/admin/")]
    assert DartDelivery.objects.filter(state=State.DEAD, last_error__contains="[DART token]").exists()
    assert [text[:200] for text in told if TOKEN in text] == []


def test_the_log_filter_blots_the_token_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("V7_DART_TOKEN", TOKEN)
    problem = ValueError(f"Bearer {TOKEN}")
    words = ("sent %s", ({"Authorization": TOKEN},), (ValueError, problem, None))
    record = logging.LogRecord("x", logging.INFO, __file__, 1, *words)
    record.__dict__["fields"] = {"headers": [f"Bearer {TOKEN}"]}
    assert secret.RedactingFilter().filter(record)
    assert TOKEN not in logging.Formatter().format(record) + repr(vars(record)["fields"])


@pytest.mark.parametrize(
    "address",
    [f"http://{OFFICIAL}", "https://dart.example", f"https://{OFFICIAL}.example.org", f"https://{OFFICIAL}@x.example",
     f"https://{'user'}:secret@{OFFICIAL}", f"https://{OFFICIAL}/api",
     f"https://{OFFICIAL}?x=1", "ftp://127.0.0.1", f"https://{OFFICIAL}:port", OFFICIAL, "https://",
     f"http://{'127.0.0.1'}.{OFFICIAL}", "http:" + "//[::1"],
)  # fmt: skip
def test_the_token_goes_to_dart_and_to_loopback_only(settings: Settings, address: str) -> None:
    settings.V7_DART_URL = address
    with pytest.raises(V7Error):
        Place.configured()


@pytest.mark.parametrize("token", ["short", "with a space in it", "line\nbreak-in-it", "ünïcode-token", "x" * 501])
def test_a_malformed_token_is_refused_and_not_repeated(monkeypatch: pytest.MonkeyPatch, token: str) -> None:
    monkeypatch.setenv("V7_DART_TOKEN", token)
    with pytest.raises(V7Error, match="is no token") as caught:
        secret.token()
    assert token not in str(caught.value)


def test_without_the_client_the_error_says_what_to_install(asked: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Any:
        raise ImportError(f"No module named {name!r}", name="dart")

    monkeypatch.setattr(client, "import_module", missing)
    with pytest.raises(Refused, match="pip install dart-tools"):
        passed(asked)


def test_dart_itself_answers_as_the_stand_in_does(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    if not DART_TOKEN:
        reason = (
            "V7_DART_TOKEN is not set: V7_DART_TOKEN=… .venv/bin/python -m pytest tests/test_dart_faults.py -k itself"
        )
        pytest.skip(reason)
    monkeypatch.setenv("V7_DART_TOKEN", DART_TOKEN)
    settings.V7_DART_URL = ""
    gateway = client.Gateway(Place.configured())
    try:
        assert gateway.workspace().statuses
        made = gateway.create(
            {"title": "V7 Migration: a test that may be deleted", "description": "V7 reference: test"}
        )
        since = datetime.now(UTC) - timedelta(hours=1)
        found = gateway.find_task("V7 reference: test", title=made.title, board="", since=since, known=frozenset())
        assert found is not None
        assert gateway.update(made.duid, {"title": "V7 Migration: renamed"}).title == "V7 Migration: renamed"
        assert gateway.find_comment(made.duid, "hello") == ""
        assert gateway.comment(made.duid, "hello") == gateway.find_comment(made.duid, "hello")
    finally:
        gateway.close()


def test_the_command_says_what_it_did_and_retries_for_a_person(
    asked: World, dart: StandIn, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("V7_PASSWORD", PASSWORD)
    dart.fail(400, method="POST", words=REVIEW)
    call_command("v7_integrate", "dart", "--dry-run")
    assert "Nothing was changed." in capsys.readouterr().out
    with pytest.raises(SystemExit) as ended:
        call_command("v7_integrate", "dart", "--json")
    assert ended.value.code == 1, "somebody has to look at what was given up"
    told = json.loads(capsys.readouterr().out)
    assert (told["outbox"]["dead"], [row["kind"] for row in told["failed"]]) == (1, ["review"])
    with pytest.raises(V7Error, match="acts for a person"):
        call_command("v7_integrate", "dart", "--retry", "all")
    call_command("v7_integrate", "dart", "--retry", "all", "--as", "dev")
    assert "queued again" in capsys.readouterr().out
    assert review().state == State.DELIVERED
    for wrong in (["--watch", "1"], ["--watch", "9", "--json"], ["--retry", "all", "--dry-run", "--as", "dev"]):
        with pytest.raises(V7Error):
            call_command("v7_integrate", "dart", *wrong)
    monkeypatch.delenv("V7_DART_TOKEN")
    with pytest.raises(V7Error, match="V7_DART_TOKEN is not set") as refused:
        call_command("v7_integrate", "dart")
    assert refused.value.exit_code == 2
