"""How states, times, digests and code look on every page."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from v7migration.postgres.script.disguise import DISGUISED

register = template.Library()

TONES = {
    "good": (
        "approved granted finished committed completed green ok executed validated implemented migrated retired pass "
        "equal yes met remediated reviewed closed open-gate low accepted"
    ),
    "bad": "refuse rejected failed revoked blocked error fail timeout red no critical stale high",
    "warn": "stopped expired warn medium unmet rolled_back superseded accept",
    "info": (
        "running in_progress review reviewing executing assessed designed implementing testing intent pending_approval "
        "certain"
    ),
}
TONE_OF = {word: tone for tone, words in TONES.items() for word in words.split()}
LABELS = {
    "open": "open",
    "waiting": "waiting",
    "intent": "running",
    "not_assessed": "not assessed",
    "pending_approval": "PENDING APPROVAL",
    "rolled_back": "rolled back",
}


@register.simple_tag
def badge(state: str, label: str = "", tone: str = "", size: str = "") -> SafeString:
    """Return a state as a labelled badge; its colour only repeats what its text says."""
    text = label or LABELS.get(state, str(state).replace("_", " "))
    return format_html(
        '<span class="v7-badge {} {}">{}</span>', tone or TONE_OF.get(str(state).lower(), "idle"), size, text
    )


@register.filter
def utc(moment: datetime | str | None) -> SafeString | str:
    """Return a time in UTC with its zone, as a <time> element; a dash for none."""
    if isinstance(moment, str):
        try:
            moment = datetime.fromisoformat(moment)
        except ValueError:
            return str(moment)
    if moment is None:
        return "–"
    at = moment.astimezone(UTC)
    return format_html('<time datetime="{}">{}</time>', at.isoformat(), f"{at:%Y-%m-%d %H:%M:%S} UTC")


@register.filter
def label(name: str) -> str:
    """Return the name of a field as words."""
    return name.replace("_", " ").capitalize()


@register.filter
def shown(value: Any) -> Any:
    """Return a value of a row for people: a time with its zone, a list joined, data as JSON, a dash for nothing."""
    if isinstance(value, datetime):
        return utc(value)
    if isinstance(value, list | tuple) and not any(isinstance(item, dict) for item in value):
        return ", ".join(map(str, value)) or "–"
    if isinstance(value, dict | list | tuple):
        return pretty(value) if value else "–"
    return "–" if value is None or value == "" else value


@register.filter
def web_address(text: str | None) -> bool:
    """Say whether a text that somebody entered may be a link."""
    return bool(text) and str(text).startswith(("https://", "http://"))


@register.filter
def short(digest: Any) -> str:
    """Return the first twelve characters of a digest or the first eight of a UUID."""
    text = str(digest or "")
    return text[:8] if "-" in text[:9] else text[:12]


@register.filter
def ms(milliseconds: float | None) -> str:
    """Return a duration in milliseconds, or in seconds from ten seconds on; a dash where none is told."""
    if not isinstance(milliseconds, int | float):  # a report of an older version has no such number
        return "–"
    return f"{milliseconds / 1000:.1f} s" if milliseconds >= 10_000 else f"{milliseconds:.1f} ms"


@register.filter
def percent(share: float) -> str:
    """Return a share of 1 as percent, with one digit behind the point."""
    return f"{share * 100:.1f} %"


@register.filter
def major(server_version: int) -> int:
    """Return the major version of a server_version_num."""
    return server_version // 10_000


@register.filter
def pretty(value: Any) -> str:
    """Return data as indented JSON."""
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, default=str)


def visible(text: str) -> str:
    """Return text with the characters that disguise it (control, direction, invisible) written as code points."""
    return DISGUISED.sub(lambda match: f"⟨U+{ord(match.group()):04X}⟩", text)


@register.filter
def plain(text: str) -> str:
    """Return a label or a name on one line: line ends and what disguises it as code points, nothing as a word."""
    if text == "":
        return "⟨empty⟩"
    return visible(text.replace("\r", "⟨U+000D⟩").replace("\n", "⟨U+000A⟩").replace("\t", "⟨U+0009⟩"))


@register.simple_tag
def code(lines: Iterable[str], first: int = 1, prefix: str = "L") -> SafeString:
    """Return lines of code, escaped, each with its number and an anchor to link to."""
    rows = ((prefix, number, prefix, number, number, visible(line)) for number, line in enumerate(lines, first))
    return format_html(
        "<ol>{}</ol>",
        format_html_join("", '<li id="{}{}"><a href="#{}{}">{}</a><code>{}</code></li>', rows),
    )


MOST_LINES, AROUND = 10_000, 5
LEFT_OUT = (
    '<li class="note advice"><div><span class="soft">{} lines without a finding that is shown here</span></div></li>'
)


@register.simple_tag
def reviewed(lines: Iterable[str], findings: dict[int, list[dict[str, Any]]]) -> SafeString:
    """Return lines of code as ``code`` does, with the findings (by line) standing under the line they are about.

    Of a script of more than :data:`MOST_LINES` lines those around its findings are shown, and how many are left out.
    """
    text, parts, last = list(lines), [], 0
    for shown in _shown(len(text), sorted(findings)):
        if shown.start > last + 1:
            parts.append(format_html(LEFT_OUT, shown.start - last - 1))
        rows = ((n, n, n, visible(text[n - 1]), _notes(findings.get(n, ()))) for n in shown)
        parts.append(format_html_join("", '<li id="L{}"><a href="#L{}">{}</a><code>{}</code></li>{}', rows))
        last = shown.stop - 1
    if last < len(text):
        parts.append(format_html(LEFT_OUT, len(text) - last))
    return format_html("<ol>{}</ol>", format_html_join("", "{}", ((part,) for part in parts)))


def _shown(count: int, places: Iterable[int]) -> list[range]:
    """Return the ranges of lines (1-based) that are shown: all of them, or those around places, up to a limit."""
    if count <= MOST_LINES:
        return [range(1, count + 1)]
    found, total = [range(1, AROUND + 1)], AROUND
    for place in places:
        start, stop = max(place - AROUND, found[-1].stop), min(place + AROUND, count) + 1
        if total + max(stop - start, 0) > MOST_LINES:
            break
        total += max(stop - start, 0)
        if start == found[-1].stop:
            found[-1] = range(found[-1].start, max(stop, found[-1].stop))
        elif stop > start:
            found.append(range(start, stop))
    return found


def _notes(findings: Iterable[dict[str, Any]]) -> SafeString:
    notes = ((f["severity"], _note(f)) for f in findings)
    return format_html_join("", '<li class="note {}">{}</li>', notes)


def _note(finding: dict[str, Any]) -> SafeString:
    state = badge(finding["severity"], _severity(finding))
    hint = format_html(' <span class="soft">{}</span>', visible(finding["hint"])) if finding["hint"] else ""
    message = visible(finding["message"])
    return format_html("<div>{} <strong>{}</strong> {}{}</div>", state, finding["id"], message, hint)


def _severity(finding: dict[str, Any]) -> str:
    if finding["severity"] != "accept":
        return str(finding["severity"])
    return f"accepted by {finding['accepted_by']}" if finding.get("accepted_by") else "to be accepted"


@register.simple_tag
def diff(lines: Iterable[str]) -> SafeString:
    """Return the lines of a unified diff, escaped, each marked as added or removed by sign and colour."""
    marked = (("add" if line[:1] == "+" else "del" if line[:1] == "-" else "", visible(line)) for line in lines)
    return format_html("<pre>{}</pre>", format_html_join("\n", '<span class="{}">{}</span>', marked))
