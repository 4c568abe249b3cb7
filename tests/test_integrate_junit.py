"""JUnit XML into v7_test_results: once for each content, with type, component, V7 path, timings and retest flags."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from threading import Thread

import pytest
from django.db import connections

from tests.world import World
from tracking.actors import Actor
from tracking.models import TestResult
from v7migration.errors import Refused, TransitionRefused, UsageError
from v7migration.pipeline import inventory
from v7migration.pipeline.integrate.junit import take_files

TIMEOUT = "Failed: Timeout (&gt;9.0s) from pytest-timeout."
PYTEST = f"""<?xml version="1.0" encoding="utf-8"?>
<testsuites name="pytest tests"><testsuite name="pytest" errors="1" failures="1" skipped="1" tests="6" time="1.5"
  timestamp="2026-11-23T04:00:00+00:00" hostname="ci">
<testcase classname="tests.test_domain.TestStatus" name="test_reads[new]" time="0.25"><properties>
  <property name="rows" value="169"/><property name="backwards_compatible" value="true"/></properties></testcase>
<testcase classname="tests.integration.test_api" name="test_creates" time="0.5">
  <failure message="assert 1 == 2">def test():
&gt; assert 1 == 2</failure></testcase>
<testcase classname="tests.test_pages" name="test_opens" time="0.1">
  <error message="failed on setup">boom</error></testcase>
<testcase classname="tests.test_pages" name="test_waits" time="9"><failure message="{TIMEOUT}">t</failure></testcase>
<testcase classname="tests.test_pages" name="test_later" time="0">
  <skipped type="pytest.skip" message="no browser">x</skipped></testcase>
<testcase classname="src.models.WF4_V7_L1_1of2_DomainModel" name="test_inside" time="0.01">
  <flakyFailure>once</flakyFailure></testcase>
</testsuite></testsuites>
"""


def report(folder: Path, text: str = PYTEST, name: str = "report.xml") -> Path:
    """Write a report and return where it is."""
    path = folder / name
    path.write_text(text)
    return path


def test_each_case_becomes_a_result_with_its_outcome(home: World, tmp_path: Path) -> None:
    before = set(TestResult.objects.values_list("pk", flat=True))
    [taken] = take_files([report(tmp_path)], actor=home.actor("sam"))
    assert (taken["taken"], taken["tests"], taken["pass"], taken["fail"], taken["error"], taken["skip"]) == (
        True,
        6,
        2,
        1,
        1,
        1,
    )
    rows = {row.component_tested: row for row in TestResult.objects.exclude(pk__in=before)}
    read = rows["tests.test_domain.TestStatus::test_reads[new]"]
    assert (read.test_status, read.test_type, read.tested_by, read.backwards_compatible) == (
        "pass",
        "unit",
        "sam",
        True,
    )
    assert (read.performance_metrics["seconds"], read.performance_metrics["rows"]) == (0.25, 169)
    assert read.history.get().history_user_id == "sam"
    failed = rows["tests.integration.test_api::test_creates"]
    assert (failed.test_status, failed.test_type, failed.retest_required) == ("fail", "integration", True)
    assert "assert 1 == 2" in failed.error_details
    assert rows["tests.test_pages::test_waits"].test_status == "timeout"
    assert rows["tests.test_pages::test_opens"].test_status == "error"
    assert not rows["tests.test_pages::test_later"].retest_required
    flaky = rows["src.models.WF4_V7_L1_1of2_DomainModel::test_inside"]
    assert (flaky.test_status, flaky.retest_required) == ("pass", True)
    assert flaky.v7_file_path == "src/models/WF4_V7_L1_1of2_DomainModel.py"


def test_the_same_content_is_taken_once_however_it_is_laid_out(world: World, tmp_path: Path) -> None:
    [first] = take_files([report(tmp_path)], actor=world.actor("sam"))
    spread = report(tmp_path, PYTEST.replace("<testcase", "\n\n   <testcase"), "spread.xml")
    [again] = take_files([spread], actor=world.actor("dev"))
    assert (again["taken"], again["sha256"], again["before"]["by"]) == (False, first["sha256"], "sam")
    assert TestResult.objects.filter(performance_metrics__report=first["sha256"]).count() == 6
    [other] = take_files([report(tmp_path, PYTEST.replace("0.25", "0.26"))], actor=world.actor("sam"))
    assert other["taken"]


def test_two_who_take_one_report_at_once_take_it_once(world: World, tmp_path: Path) -> None:
    path, found = report(tmp_path), []

    def take(actor: Actor) -> None:
        try:
            found.extend(take_files([path], actor=actor))
        finally:
            connections.close_all()  # a thread's sessions are its own

    threads = [Thread(target=take, args=[world.actor(name)]) for name in ("sam", "dev")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(document["taken"] for document in found) == [False, True]
    assert TestResult.objects.count() == 6


def test_the_file_of_a_test_gets_its_v7_path_from_the_inventory(world: World, tmp_path: Path) -> None:
    files = inventory.take(actor=world.actor("ada"), only="files")[1]["files"]
    proposal = next(entry for entry in files["proposals"] if entry["path"].startswith("tests/"))
    module = proposal["path"].removesuffix(".py").replace("/", ".")
    cases = (f'<testcase classname="{module}.TestIt" name="a"/>', f'<testcase file="{proposal["path"]}" name="b"/>')
    text = f"<testsuite name='s'>{''.join(cases)}</testsuite>"
    [taken] = take_files([report(tmp_path, text)], actor=world.actor("sam"))
    assert taken["without_path"] == 0
    paths = set(TestResult.objects.values_list("v7_file_path", flat=True))
    assert paths == {f"tests/{proposal['target']}"}


BOMB = '<!DOCTYPE x [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]><testsuite><testcase name="&b;"/></testsuite>'
FILE = '<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><testsuite><testcase name="&f;"/></testsuite>'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is not XML"), ("PK\x03\x04", "is not XML"), ("<html/>", "is no JUnit report"),
        ("<testsuite/>", "holds no test case"), (BOMB, "is refused"), (FILE, "is refused"),
        ("<testsuite><testcase name='a'></testsuite>", "is not XML"),
    ],
)  # fmt: skip
def test_what_is_no_report_is_refused_and_nothing_is_recorded(
    world: World, tmp_path: Path, text: str, said: str
) -> None:
    good, bad = report(tmp_path), report(tmp_path, text, "bad.xml")
    with pytest.raises(Refused, match=said):
        take_files([good, bad], actor=world.actor("sam"))
    assert not TestResult.objects.exists()


def test_odd_reports_are_taken_as_they_are(world: World, tmp_path: Path) -> None:
    nested = "<testsuite name='n'>" * 500 + "<testcase name='deep' time='nan'/>" + "</testsuite>" * 500
    long = f"<testcase classname='{'x' * 900}' name='a'/><testcase classname='{'x' * 900}' name='b'/>"
    text = f"<testsuites>{nested}<testsuite>{long}<testcase name='=cmd' time='1,234.5'/></testsuite></testsuites>"
    [taken] = take_files([report(tmp_path, text)], actor=world.actor("sam"))
    assert taken["tests"] == 4
    names = list(TestResult.objects.values_list("component_tested", flat=True))
    assert len(set(names)) == 4 and max(map(len, names)) <= 500
    assert TestResult.objects.get(component_tested="=cmd").performance_metrics["seconds"] == 1234.5
    assert "seconds" not in TestResult.objects.get(component_tested="deep").performance_metrics


def test_only_a_person_with_a_persona_records_results(world: World, tmp_path: Path) -> None:
    with pytest.raises(TransitionRefused, match="holds no persona"):
        take_files([report(tmp_path)], actor=world.actor("root"))
    with pytest.raises(UsageError, match="cannot be read"):
        take_files([tmp_path / "absent.xml"], actor=world.actor("sam"))


def test_a_report_of_pytest_itself_is_taken_whole(world: World, tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(
        "import pytest\ndef test_a(): pass\ndef test_b(): assert False\n@pytest.mark.skip\ndef test_c(): pass\n"
        "@pytest.fixture\ndef broken(): raise RuntimeError\ndef test_d(broken): pass\n"
    )
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "no:randomly",
        "-p",
        "no:django",
        f"--junit-xml={tmp_path}/out.xml",
        "test_it.py",
    ]
    subprocess.run([*command, "-c", "/dev/null"], cwd=tmp_path, check=False, capture_output=True)
    [taken] = take_files([tmp_path / "out.xml"], actor=world.actor("sam"))
    assert (taken["pass"], taken["fail"], taken["skip"], taken["error"]) == (1, 1, 1, 1)
    assert set(TestResult.objects.values_list("component_tested", flat=True)) >= {"test_it::test_a", "test_it::test_d"}
