"""Comments that structure the file: section headers in any common style, steps, population markers."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from .grammar import Token
from .model import ROLLBACK

RULE = re.compile(r"^[\s\-=*#~_+/]*$")
SECTION = re.compile(r"^[\s=*#\-]*section\s+(\d{1,4})\s*(?P<mark>[:.)\]–—-]*)\s*(?P<title>.*?)[\s=*#\-]*$", re.I)
ROLLBACK_TITLE = re.compile(r"^[\s=*#\-]*(roll\s?-?back\b[^.]{0,60}?)[\s:=*#\-]*$", re.I)
STEP = re.compile(r"^\s*step\s+(\d+(?:\.\d+)*[a-z]?)\s*[:.)–—-]+\s*(?P<title>.*?)\s*$", re.I)
MARKER = re.compile(rb"^[ \t]*--[ \t]*population:[ \t]*(begin|end)\b[^\n]*$", re.I | re.M)
KEY = re.compile(r"^\s{0,4}(purpose|creates|needs|task|on failure|[A-Za-z][A-Za-z ]{1,20}):(?:\s+(.*))?$", re.I)
KNOWN_KEYS = frozenset({"purpose", "creates", "needs", "task", "on failure"})


@dataclass
class Header:
    """A section header: what it says, and its byte range in the file (its metadata lines included)."""

    number: int
    title: str
    start: int
    end: int
    keys: dict[str, str] = field(default_factory=dict)
    block: Token | None = None

    @property
    def says_rollback(self) -> bool:
        """Whether the title names the way back."""
        return re.search(r"roll\s?-?back|undo\b", self.title, re.I) is not None


@dataclass(frozen=True)
class Comment:
    """A comment that stands first on its line, without its marks."""

    token: Token
    text: str
    line: int

    @property
    def is_rule(self) -> bool:
        """Whether it is only decoration."""
        return RULE.match(self.text) is not None


def comments(data: bytes, found: list[Token], line_of: dict[int, int]) -> list[Comment]:
    """The comments that begin a line, in order."""
    result = []
    for token in found:
        if token.is_comment and not data[data.rfind(b"\n", 0, token.start) + 1 : token.start].strip():
            text = data[token.start : token.end].decode()
            text = text[2:] if token.kind == "SQL_COMMENT" else text[2:-2]
            result.append(Comment(token, text.rstrip("\r\n"), line_of[token.start]))
    return result


def headers(found: list[Comment]) -> list[Header]:
    """The section headers among the comments, each with its metadata."""
    result: list[Header] = []
    for index, comment in enumerate(found):
        around = [found[other] for other in (index - 1, index + 1) if 0 <= other < len(found)]
        ruled = any(other.is_rule and abs(other.line - comment.line) == 1 for other in around)
        header = _header(comment, ruled=ruled)
        if header is not None:
            if comment.token.kind == "SQL_COMMENT":
                _read_keys(header, found[index + 1 :], comment.line)
            result.append(header)
    return result


def _header(comment: Comment, *, ruled: bool) -> Header | None:
    lines = [line for line in comment.text.split("\n") if not RULE.match(line)]
    if not lines:
        return None
    block = comment.token.kind == "C_COMMENT"
    match = SECTION.match(lines[0].lstrip(" *"))
    if match and (match["mark"] or not match["title"] or ruled or block):
        number, title = int(match[1]), match["title"].strip()
    elif ruled and (match := ROLLBACK_TITLE.match(lines[0])):
        number, title = ROLLBACK, match[1].strip()
    else:
        return None
    header = Header(number, title, comment.token.start, comment.token.end, block=comment.token if block else None)
    if block:
        _read_lines(header, [line.strip().lstrip("*") for line in lines[1:]])
    return header


def _read_keys(header: Header, following: list[Comment], line: int) -> None:
    texts: list[str] = []
    known = True
    for comment in following:
        line += 1
        if comment.line != line or comment.token.kind != "SQL_COMMENT" or STEP.match(comment.text):
            break
        if SECTION.match(comment.text) and not KEY.match(comment.text):
            break
        continues = comment.text.startswith("  ") and bool(texts) and not RULE.match(texts[-1])
        known = known and (comment.is_rule or KEY.match(comment.text) is not None or continues)
        texts.append(comment.text)
        header.end = comment.token.end if known else header.end
    _read_lines(header, texts)


def _read_lines(header: Header, texts: list[str]) -> None:
    key = ""
    for text in texts:
        match = KEY.match(text)
        if match:
            key = match[1].lower()
            if key in KNOWN_KEYS:
                header.keys[key] = (match[2] or "").strip()
        elif RULE.match(text) or not text.startswith("  "):
            key = ""
        elif key in KNOWN_KEYS:
            header.keys[key] = f"{header.keys[key]} {text.strip()}".strip()
