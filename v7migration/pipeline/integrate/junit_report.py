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
from itertools import islice
from typing import Any
from xml.etree.ElementTree import Element, ParseError, TreeBuilder

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from tracking.choices import TestStatus, TestType
from v7migration.errors import InvalidValue

LARGEST = 64 * 1024 * 1024
"""Bytes that a report may have."""
DETAILS = 20_000
"""Characters of a failure that are kept."""
METRICS = 50
"""Numeric properties of a case that are kept."""
PROPERTIES = 200
"""Properties of a case and of the suites around it that are read; every case carries those of its suites."""
NAME, VALUE = 1_000, 200
"""Characters of a name (suite, class, test, file), and of a property or a time."""
ELEMENTS = 20
"""Elements that a case has at most, on the average, where the cases are bounded: an element takes much memory."""
PYTEST_WRITES = "Give the file that pytest --junit-xml=FILE writes."
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
        digest = hashlib.sha256(b"[")
        for number, c in enumerate(self.cases):
            said = [
                c.suite, c.classname, c.name, c.file, c.status, c.details, c.flaky, c.at, sorted(c.metrics.items()),
                sorted(c.properties.items()),
            ]  # fmt: skip
            digest.update(((", " if number else "") + json.dumps(said)).encode())
        digest.update(b"]")
        return digest.hexdigest()


def read(content: bytes, *, name: str, most: int | None = None) -> Report:
    """Read a report.

    Args:
        content: the bytes of the file.
        name: what errors call it.
        most: how many test cases it may hold; None: as many as its bytes allow.

    Raises:
        InvalidValue: it is too large, no XML, XML with entities, no JUnit report, or without test cases.
    """
    if len(content) > LARGEST:
        raise InvalidValue(f"{name} has {len(content):,} bytes; {LARGEST:,} is the most.", "Split the report.")
    try:
        root = _parsed(content, None if most is None else most * ELEMENTS)
    except ParseError as error:
        raise InvalidValue(f"{name} is not XML: {error}.", PYTEST_WRITES) from error
    except (DefusedXmlException, ValueError, LookupError) as error:
        raise InvalidValue(f"{name} is refused: {error or type(error).__name__}.", "A report needs no DTD.") from error
    if root.tag not in ("testsuites", "testsuite"):
        raise InvalidValue(f"{name} is no JUnit report: its root is <{root.tag[:60]}>.", PYTEST_WRITES)
    cases = tuple(islice(_cases(root, "", "", {}), None if most is None else most + 1))
    if not cases:
        raise InvalidValue(f"{name} holds no test case.", "Nothing was tested, so nothing is recorded.")
    if most is not None and len(cases) > most:
        raise too_many(f"{name} holds more than {most:,} test cases.")
    return Report(cases)


class _Bounded(TreeBuilder):
    """Builds the tree of a document that has no more elements than are left."""

    def __init__(self, left: int) -> None:
        super().__init__()
        self.left = left

    def start(self, tag: Any, attrs: dict[Any, Any], /) -> Element:
        if not self.left:
            raise too_many("The report holds too many elements.")
        self.left -= 1
        return super().start(tag, attrs)


def _parsed(content: bytes, most: int | None) -> Element:
    parser = DefusedXMLParser(target=None if most is None else _Bounded(most), forbid_dtd=True)
    parser.feed(content)
    root: Element = parser.close()
    return root


def too_many(sentence: str) -> InvalidValue:
    """Return the refusal of what holds more than is taken at once."""
    return InvalidValue(sentence, "Split it, or give it to v7_integrate junit.")


def shortened(text: str, most: int) -> str:
    """Cut a text that is too long, so that two of them stay two."""
    if len(text) <= most:
        return text
    return f"{text[: most - 13]}…{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def _cases(element: Element, suite: str, at: str, known: Mapping[str, str]) -> Iterator[Case]:
    """Walk the suites in the order of the document, however deep they are nested."""
    waiting = deque([(element, suite, at, known)])
    while waiting:
        here, suite, at, known = waiting.popleft()
        if here.tag == "testcase":
            yield _case(here, suite, at, known)
            continue
        suite = _one_line(here.get("name", suite))
        at = _one_line(here.get("timestamp", at), VALUE)
        known = _properties(here, known)
        inner = [(child, suite, at, known) for child in here if child.tag in ("testsuite", "testcase")]
        waiting.extendleft(reversed(inner))


def _properties(element: Element, known: Mapping[str, str]) -> dict[str, str]:
    """Return what an element says of itself, then what is known from the suites around it."""
    named = (p for p in element.findall("./properties/property") if p.get("name"))
    own = {shortened(p.get("name", ""), VALUE): shortened(p.get("value", ""), VALUE) for p in islice(named, PROPERTIES)}
    around = [name for name in known if name not in own][: PROPERTIES - len(own)]
    return {**own, **{name: known[name] for name in around}}


def _case(element: Element, suite: str, at: str, known: Mapping[str, str]) -> Case:
    properties = _properties(element, known)
    status, details = _outcome(element)
    classname, name, file = (_one_line(element.get(key, "")) for key in ("classname", "name", "file"))
    return Case(
        suite=suite, classname=classname, name=name, file=file, status=status, details=details, at=at,
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


def _one_line(text: str, most: int = NAME) -> str:
    return shortened(" ".join(text.split()), most)
