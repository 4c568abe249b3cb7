"""JUnit XML as pytest writes it: the test cases of a report, and the digest of what it says.

Entity bombs and external entities are refused by the parser. Reports of other runners are read as far as they follow
the same form: ``testsuite`` elements, nested or not, with ``testcase`` elements that hold ``failure``, ``error`` or
``skipped``.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from tracking.choices import TestStatus, TestType
from v7migration.errors import Refused

LARGEST = 64 * 1024 * 1024
"""Bytes that a report may have."""
DETAILS = 20_000
"""Characters of a failure that are kept."""
METRICS = 50
"""Numeric properties of a case that are kept."""
_TIMED_OUT = re.compile(r"(failed: )?timeout\b|.*from pytest-timeout", re.IGNORECASE | re.DOTALL)
_FLAKY = ("flakyFailure", "flakyError", "rerun")
_TYPES = {
    "benchmark": TestType.PERFORMANCE, "benchmarks": TestType.PERFORMANCE, "perf": TestType.PERFORMANCE,
    "e2e": TestType.SYSTEM, **{value: TestType(value) for value in TestType.values},
}  # fmt: skip


@dataclass(frozen=True)
class Case:
    """One test case: where it stands, how it ended, and what was measured (``seconds``, numeric properties)."""

    suite: str
    classname: str
    name: str
    file: str
    status: TestStatus
    details: str
    flaky: bool
    at: str
    metrics: Mapping[str, float] = field(default_factory=dict)
    properties: Mapping[str, str] = field(default_factory=dict)

    @property
    def component(self) -> str:
        """``classname::name``, as pytest names a test."""
        return f"{self.classname}::{self.name}" if self.classname else self.name

    @property
    def kind(self) -> TestType:
        """The type of test: its property ``test_type``, else what a folder, module or class is called, else unit."""
        told = self.properties.get("test_type", "").lower()
        if told in _TYPES:
            return _TYPES[told]
        words = re.split(r"[^a-z0-9]+", f"{self.file} {self.classname}".lower())
        return next((_TYPES[word] for word in words if word in _TYPES), TestType.UNIT)

    @property
    def is_compatible(self) -> bool | None:
        """Its property ``backwards_compatible``; None where it says nothing."""
        return {"true": True, "false": False}.get(self.properties.get("backwards_compatible", "").lower())


@dataclass(frozen=True)
class Report:
    """What a report says; ``sha256`` is the digest of that, not of the file's bytes."""

    cases: tuple[Case, ...]

    @property
    def sha256(self) -> str:
        """Return the SHA-256 (hex) of what the report says, however it is laid out."""
        said = [
            [c.suite, c.classname, c.name, c.file, c.status, c.details, c.flaky, c.at, sorted(c.metrics.items()),
             sorted(c.properties.items())]
            for c in self.cases
        ]  # fmt: skip
        return hashlib.sha256(json.dumps(said).encode()).hexdigest()


def read(content: bytes, *, name: str) -> Report:
    """Read a report.

    Args:
        content: the bytes of the file.
        name: what errors call it.

    Raises:
        Refused: it is too large, no XML, XML with entities, no JUnit report, or without test cases.
    """
    if len(content) > LARGEST:
        raise Refused(f"{name} has {len(content):,} bytes; {LARGEST:,} is the most.", "Split the report.")
    try:
        root = fromstring(content, forbid_dtd=True)
    except ParseError as error:
        raise Refused(f"{name} is not XML: {error}.", "Give the file that pytest --junit-xml=FILE writes.") from error
    except (DefusedXmlException, ValueError, LookupError) as error:
        raise Refused(f"{name} is refused: {error or type(error).__name__}.", "A report needs no DTD.") from error
    if root.tag not in ("testsuites", "testsuite"):
        raise Refused(f"{name} is no JUnit report: its root is <{root.tag[:60]}>.", "Give pytest's --junit-xml file.")
    cases = tuple(_cases(root, "", "", {}))
    if not cases:
        raise Refused(f"{name} holds no test case.", "Nothing was tested, so nothing is recorded.")
    return Report(cases)


def _cases(element: Element, suite: str, at: str, known: Mapping[str, str]) -> Iterator[Case]:
    """Walk the suites in the order of the document, however deep they are nested."""
    waiting = deque([(element, suite, at, known)])
    while waiting:
        here, suite, at, known = waiting.popleft()
        if here.tag == "testcase":
            yield _case(here, suite, at, known)
            continue
        suite, at = here.get("name", suite), here.get("timestamp", at)
        known = {**known, **_properties(here)}
        inner = [(child, suite, at, known) for child in here if child.tag in ("testsuite", "testcase")]
        waiting.extendleft(reversed(inner))


def _properties(element: Element) -> dict[str, str]:
    found = element.findall("./properties/property")
    return {p.get("name", ""): p.get("value", "") for p in found if p.get("name")}


def _case(element: Element, suite: str, at: str, known: Mapping[str, str]) -> Case:
    properties = {**known, **_properties(element)}
    status, details = _outcome(element)
    classname, name, file = (_one_line(element.get(key, "")) for key in ("classname", "name", "file"))
    return Case(
        suite=_one_line(suite), classname=classname, name=name, file=file, status=status, details=details,
        at=_one_line(at),
        flaky=any(element.find(tag) is not None for tag in _FLAKY),
        metrics=_metrics(element, properties), properties=properties,
    )  # fmt: skip


def _outcome(element: Element) -> tuple[TestStatus, str]:
    """Return how a case ended, the worst of what it holds, and why."""
    failures, errors = element.findall("failure"), element.findall("error")
    bad = [*errors, *failures]
    if bad:
        details = "\n\n".join(_said(each) for each in bad)[:DETAILS]
        if any(_TIMED_OUT.match(each.get("message") or each.text or "") for each in bad):
            return TestStatus.TIMEOUT, details
        return (TestStatus.ERROR if errors else TestStatus.FAIL), details
    skipped = element.find("skipped")
    if skipped is not None:
        return TestStatus.SKIP, _said(skipped)[:DETAILS]
    return TestStatus.PASS, ""


def _said(element: Element) -> str:
    parts: Iterable[str] = (element.get("message") or "", (element.text or "").strip())
    return "\n".join(part for part in dict.fromkeys(parts) if part)


def _metrics(element: Element, properties: Mapping[str, str]) -> dict[str, float]:
    found = {name: _number(value) for name, value in list(properties.items())[:METRICS]}
    found["seconds"] = _number(element.get("time", ""))
    return {name: value for name, value in found.items() if value is not None}


def _number(text: str) -> float | None:
    try:
        value = float(text.replace(",", ""))
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _one_line(text: Any) -> str:
    return " ".join(str(text).split())
