"""The file's bytes: what is refused before any parsing, its lines, and its statements."""

from __future__ import annotations

import bisect
import re
from dataclasses import dataclass, field

from . import grammar
from .grammar import SyntaxFault, Token
from .model import REFUSE, Problem, ScriptInvalid, Statement

LARGEST = 8 * 1024 * 1024
MOST_BLOCK_COMMENTS = 4_000
MOST_FAULTS = 50
LONGEST_BODY = 200
PSQL_VARIABLE = re.compile(rb""":(?:\w+|'[^'\n]*'|"[^"\n]*"|\{[^}\n]*\})""")
COPIED = re.compile(rb"^[ \t]*(copy)\b[^;]{1,4000}?\bfrom\s+stdin\b[^;]{0,1000};[^\n]*\n", re.I | re.M)
ROWS_END = re.compile(rb"^\\\.[ \t\r]*$", re.M)
META_COMMAND = re.compile(rb"\\[^\n]*")


@dataclass
class Source:
    """The bytes of a file, with line numbers for byte offsets, and the problems found while reading them."""

    content: bytes
    faults: list[Problem] = field(default_factory=list)
    newlines: list[int] = field(init=False)

    def __post_init__(self) -> None:
        self.newlines = [match.start() for match in re.finditer(rb"\n", self.content)]

    def line(self, offset: int) -> int:
        """The 1-based line of a byte offset."""
        return bisect.bisect_left(self.newlines, offset) + 1

    def refuse(self, identifier: str, offset: int, message: str, hint: str) -> None:
        """Note a fault at a byte offset."""
        self.faults.append(Problem(identifier, REFUSE, None, self.line(offset), message, hint))


def opened(content: bytes) -> Source:
    """Check the raw bytes (size, NUL, byte order mark, UTF-8); raises ``ScriptInvalid``."""
    source = Source(content)
    if len(content) > LARGEST:
        source.refuse("V7S005", 0, f"the file is larger than {LARGEST // 1024 // 1024} MiB", "Split the script.")
    if (nul := content.find(b"\0")) >= 0:
        source.refuse("V7S001", nul, "the file contains a NUL byte", "Save the file as plain UTF-8 text.")
    if content.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        source.refuse("V7S002", 0, "the file begins with a byte order mark", "Save it as UTF-8 without a BOM.")
    try:
        content.decode()
    except UnicodeDecodeError as error:
        source.refuse("V7S003", error.start, "the file is not valid UTF-8", "Save the file as UTF-8.")
    if content.count(b"/*") > MOST_BLOCK_COMMENTS:
        message = f"the file opens more than {MOST_BLOCK_COMMENTS} block comments"
        source.refuse("V7S005", 0, message, "Use line comments.")
    if source.faults:
        raise ScriptInvalid(source.faults)
    return source


def without_copied_rows(source: Source) -> bytes:
    """The file's bytes with the rows after ``COPY … FROM stdin;`` blanked: they are data, and the COPY is refused."""
    data, position = source.content, 0
    while (match := COPIED.search(data, position)) and (end := ROWS_END.search(data, match.end())):
        message = "COPY … FROM stdin and its rows are not allowed in a script"
        source.refuse("V7S103", match.start(1), message, "Write INSERT: only psql can send such rows.")
        start, position = match.start(), end.end()
        data = data[:start] + blank(data[start:position]) + data[position:]
        if len(source.faults) >= MOST_FAULTS:
            break
    return data


def blank(data: bytes) -> bytes:
    """The same number of bytes and the same lines, with nothing in them."""
    return re.sub(rb"[^\r\n]", b" ", data)


def scanned(source: Source, data: bytes, base: int) -> tuple[bytes, list[Token]]:
    """Tokenise ``data`` (which begins at ``base`` in the file): the text that could be read, and its tokens.

    psql's commands are noted and blanked; an unterminated string or comment is noted and ends the text.
    """
    last = 0
    for _ in range(MOST_FAULTS):
        try:
            found = grammar.tokens(data)
            ending = None
        except SyntaxFault as fault:
            found = grammar.tokens(data[: fault.offset])
            ending = fault
        command = next((token for token in found if token.kind == "ASCII_92"), None)
        if command is None:
            if ending is None:
                return data, found
            source.refuse("V7S010", base + ending.offset, ending.message, "Close the string or the comment.")
            return data[: ending.offset], found
        data, last = _without_command(source, data, base, command.start), command.start
    return data[:last], [token for token in found if token.end <= last]


def _without_command(source: Source, data: bytes, base: int, at: int) -> bytes:
    match = META_COMMAND.match(data, at)
    text = match.group() if match else b"\\"
    name = text.split()[0].decode()[:40]
    source.refuse(
        "V7S011",
        base + at,
        f"psql's command {name} is not SQL",
        "Remove it: only PostgreSQL reads this script, never psql.",
    )
    rest = blank(text)
    return data[:at] + (b";" + rest[1:] if name.startswith("\\g") else rest) + data[at + len(text) :]


def statements(
    source: Source, data: bytes, found: list[Token], base: int, *, prose: bool = False
) -> list[tuple[int, int, Statement]]:
    """Every statement as (first byte, end, statement), byte offsets in the file; faults go to ``source``.

    A semicolon ends a statement where the grammar accepts what stands before it; bodies that hold semicolons
    (``BEGIN ATOMIC``, rules) go on to the next one. ``prose``: lines before a statement that are no SQL are skipped.
    """
    real = [token for token in found if not token.is_comment]
    result: list[tuple[int, int, Statement]] = []
    position = 0
    while position < len(real):
        if real[position].kind == "ASCII_59":
            position += 1
            continue
        position = _one(source, data, real, position, base, result, prose=prose)
        if len(source.faults) >= MOST_FAULTS:
            break
    return result


def _one(
    source: Source,
    data: bytes,
    real: list[Token],
    first: int,
    base: int,
    result: list[tuple[int, int, Statement]],
    *,
    prose: bool,
) -> int:
    """Read one statement that begins at token ``first``; gives the token after it."""
    start, retry, last = real[first].start, -1, first
    fault: SyntaxFault | None = None
    for _ in range(LONGEST_BODY):
        while last < len(real) and real[last].kind != "ASCII_59":
            last += 1
        end = real[last - 1].end
        try:
            statement = _statement(source, data, start, end, base, closed=last < len(real))
        except SyntaxFault as error:
            if fault is None:
                fault, retry = error, last
            if not error.unfinished or last >= len(real):
                break
            last += 1
            continue
        result.append((base + start, base + end, statement))
        return last + 1
    if prose and (later := _after_prose(data, real, first, retry)) is not None:
        return later
    if fault is not None:
        _note(source, data, start, base, fault)
    return retry + 1


def _statement(source: Source, data: bytes, start: int, end: int, base: int, *, closed: bool) -> Statement:
    text = data[start:end].decode()
    try:
        node = grammar.tree(text)
    except SyntaxFault as fault:
        if fault.unfinished and closed:
            grammar.tree(text + ";")
        raise
    return Statement(text, source.line(base + start), grammar.kind(node), grammar.is_transactional(node))


def _after_prose(data: bytes, real: list[Token], first: int, last: int) -> int | None:
    """The token of a later line from which on the text is a statement; None when there is none."""
    for index in range(first + 1, min(last, first + 400)):
        if b"\n" not in data[real[index - 1].end : real[index].start]:
            continue
        try:
            grammar.tree(data[real[index].start : real[last - 1].end].decode())
        except SyntaxFault:
            continue
        return index
    return None


def _note(source: Source, data: bytes, start: int, base: int, fault: SyntaxFault) -> None:
    at = start + fault.offset
    if variable := PSQL_VARIABLE.match(data, at):
        message = f"psql's variable {variable.group().decode()} is not SQL"
        source.refuse("V7S012", base + at, message, "Write the value: psql's variables do not exist here.")
    else:
        source.refuse("V7S010", base + at, fault.message, "Correct the statement.")
