"""JUnit XML over the API: the same service as the command's, and what hostile bodies get."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from tests.api import ROOT, caller, secret_of
from tests.test_integrate_junit import BOMB, FILE, PYTEST
from tests.world import World
from tracking.api import reports
from tracking.models import TestResult
from v7migration.api import middleware, problems
from v7migration.pipeline.integrate.junit import take_contents
from v7migration.pipeline.integrate.junit_report import PROPERTIES, read

ADDRESS = f"{ROOT}test-results/junit"
XML = "application/xml"
SENT = PYTEST.encode()


def send(client: Client, body: bytes, kind: str = XML, query: str = "") -> Any:
    """Send a body as it is."""
    return client.generic("POST", ADDRESS + query, body, content_type=kind)


def a_file(content: bytes = SENT, name: str = "report.xml") -> SimpleUploadedFile:
    """Return a file of a form."""
    return SimpleUploadedFile(name, content, XML)


def is_problem(answer: Any, status: int) -> bool:
    """Say whether an answer is a problem of a status, with a next step."""
    assert (answer.status_code, answer["Content-Type"]) == (status, problems.MEDIA_TYPE), answer.content[:500]
    return bool(answer.json()["next_step"])


def test_a_report_is_taken_once_whether_it_comes_as_xml_or_in_a_form(home: World) -> None:
    sam, before = caller(home, "sam").client, set(TestResult.objects.values_list("pk", flat=True))
    first = send(sam, SENT, query="?name=nightly.xml")
    [taken] = first.json()["reports"]
    assert (first.status_code, taken["taken"], taken["file"], taken["before"]) == (201, True, "nightly.xml", None)
    assert [taken[key] for key in ("tests", "pass", "fail", "error", "skip", "timeout")] == [6, 2, 1, 1, 1, 1]
    rows = TestResult.objects.exclude(pk__in=before)
    assert (rows.count(), {row.tested_by for row in rows}) == (6, {"sam"})
    version = rows[0].history.get()
    assert (version.history_user_id, version.history_change_reason) == ("sam", "JUnit report nightly.xml")
    other = SENT.replace(b"0.25", b"0.26")
    again = caller(home, "dev").client.post(ADDRESS, {"file": [a_file(), a_file(other, "b.xml")]})
    assert again.status_code == 201
    assert [(found["file"], found["taken"]) for found in again.json()["reports"]] == [
        ("report.xml", False), ("b.xml", True),
    ]  # fmt: skip
    assert again.json()["reports"][0]["before"]["by"] == "sam"
    assert send(sam, b"\xef\xbb\xbf" + SENT.replace(b"<testcase", b"\n <testcase")).status_code == 200
    assert TestResult.objects.exclude(pk__in=before).count() == 12


def test_only_a_person_with_a_persona_gives_reports(rolled_back: World) -> None:
    assert "holds no persona" in send(caller(rolled_back, "otto").client, SENT).json()["detail"]
    assert is_problem(send(Client(), SENT), 401)
    secret = secret_of(rolled_back, "sam")
    assert is_problem(Client().post(f"{ADDRESS}?token={secret}&access_token={secret}", {"file": a_file()}), 401)
    assert not TestResult.objects.exists()


def test_a_session_gives_a_report_only_with_its_csrf_token(rolled_back: World) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(rolled_back.user("sam"), backend="django.contrib.auth.backends.ModelBackend")
    for body, kind in ((SENT, XML), (b"--x\r\n", "multipart/form-data; boundary=x"), (b"", "text/plain")):
        assert "X-CSRFToken" in send(browser, body, kind).json()["next_step"], kind
    browser.get(reverse("api-docs"))
    value = browser.cookies["csrftoken"].value
    sent = browser.generic("POST", ADDRESS, SENT, content_type=XML, headers={"X-CSRFToken": value})
    assert sent.status_code == 201


def nested(levels: int) -> bytes:
    """Return a report whose suites stand in each other, each with a property of its own."""
    opened = "".join(f"<testsuite><properties><property name='p{n}' value='1'/></properties>" for n in range(levels))
    return f"{opened}<testcase name='deep'/>{'</testsuite>' * levels}".encode()


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"PK\x03\x04", XML, 422),
        (b"<html/>", XML, 422),
        (b"<testsuite/>", XML, 422),
        (BOMB.encode(), XML, 422),
        (FILE.encode(), XML, 422),
        (b'<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd"><testsuite><testcase name="a"/></testsuite>', XML, 422),
        (SENT[:-40], XML, 422),
        (SENT.replace(b"created", b"\xff").replace(b"boom", b"b\xff\xfem"), XML, 422),
        (b'<?xml version="1.0" encoding="x-none"?><testsuite><testcase name="a"/></testsuite>', XML, 422),
        (b'<?xml version="1.0" encoding="utf-7"?><testsuite><testcase name="a"/></testsuite>', XML, 422),
        (b"<testsuite><testcase name='&#0;'/></testsuite>", XML, 422),
        (b"<testsuite><testcase name='\x00'/></testsuite>", XML, 422),
        (b"<a>" * 1_000_000, XML, 422),
        (b"<testsuite>" + b"<testcase name='a'/>" * (reports.MOST + 1) + b"</testsuite>", XML, 422),
        (b"<testsuite>" + b" " * reports.LARGEST + b"</testsuite>", XML, 413),
        (b" " * (middleware.LARGEST + 1), XML, 413),
        (SENT, "application/json", 415),
        (SENT, "", 415),
        (b"file=x", "application/x-www-form-urlencoded", 415),
        (b"--x\r\n", "multipart/form-data", 400),
        (b"--x\r\n", "multipart/form-data; boundary=\xe9", 400),
        (b"nothing", "multipart/form-data; boundary=x", 422),
    ],
    ids=lambda value: str(value)[-40:],
)  # fmt: skip
def test_hostile_reports_are_refused_as_problems(rolled_back: World, body: bytes, kind: str, status: int) -> None:
    assert is_problem(send(caller(rolled_back, "sam").client, body, kind), status)
    assert not TestResult.objects.exists()


def test_a_form_holds_reports_and_nothing_else_and_all_or_none_are_taken(rolled_back: World) -> None:
    sam = caller(rolled_back, "sam").client
    for form in (
        {"file": "<testsuite/>"},
        {"other": a_file()},
        {"file": a_file(), "tested_by": "ada"},
        {"file": [a_file(), a_file(b"<html/>")]},
    ):
        assert is_problem(sam.post(ADDRESS, form), 422), form
    half = b"<testsuite>" + b" " * (reports.LARGEST // 2) + b"</testsuite>"
    assert is_problem(sam.post(ADDRESS, {"file": [a_file(half), a_file(half)]}), 413)
    third = b"<testsuite>" + b"<testcase name='a'/>" * (reports.MOST // 3 + 1) + b"</testsuite>"
    refused = sam.post(ADDRESS, {"file": [a_file(third), a_file(third), a_file(third)]})
    assert is_problem(refused, 422) and "Together" in refused.json()["detail"]
    many = {"file": [a_file(b"<x/>") for _ in range(150)]}
    assert is_problem(sam.post(ADDRESS, many), 400)
    assert not TestResult.objects.exists()


def test_what_every_case_inherits_is_bounded() -> None:
    """Suites in suites, long names and many properties may not multiply with the cases."""
    deep = read(nested(20_000), name="deep").cases[0]
    assert len(deep.properties) == PROPERTIES
    assert "p19999" in deep.properties
    long = "x" * 100_000
    told = f"<testsuite name='{long}' timestamp='{long}'><properties><property name='{long}' value='1'/></properties>"
    cases = read((told + "<testcase name='a'/>" * 2_000 + "</testsuite>").encode(), name="long").cases
    assert sum(len(part) for c in cases for part in (c.suite, c.at, *c.metrics)) < 2_000 * 2_000
    dots = read(f"<testsuite><testcase classname='{'a.' * 500_000}' name='b'/></testsuite>".encode(), name="dots")
    assert len(dots.cases[0].classname) <= 1_000


def test_an_answer_says_what_the_command_says(rolled_back: World) -> None:
    [taken] = send(caller(rolled_back, "sam").client, SENT).json()["reports"]
    [told] = take_contents([("report.xml", SENT)], actor=rolled_back.actor("dev"))
    assert told | {"taken": True, "before": None} == taken
