"""PostgreSQL's own grammar: tokens and syntax trees. The only module that knows the parser package.

The parser stops at a NUL byte, so callers refuse NUL first. Its C code recurses: a statement whose open chain
of tokens could exhaust the stack is refused before it is parsed. Error positions count characters.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from google.protobuf.message import DecodeError
from postgast import PgQueryError, pg_query_pb2
from postgast import parse as _parse
from postgast import scan as _scan
from postgast.walk import unwrap_node, walk

TOKEN_NAMES = pg_query_pb2.Token.DESCRIPTOR.values_by_number
LONGEST_CHAIN = 4_000
LONGEST_LIST = 100  # rows of constants of a VALUES list that are looked at
MOST_TREES = 50_000
"""Trees that are kept: the rules walk every statement many times, and parsing it each time would cost most."""
COMMENT_KINDS = frozenset({"SQL_COMMENT", "C_COMMENT"})


@dataclass(frozen=True)
class Token:
    """A token: the grammar's name for its kind, and its byte range."""

    kind: str
    start: int
    end: int

    @property
    def is_comment(self) -> bool:
        """Whether it is a line comment or a block comment."""
        return self.kind in COMMENT_KINDS


class SyntaxFault(Exception):
    """The grammar refuses the text; ``offset`` counts bytes from its beginning."""

    def __init__(self, message: str, offset: int, *, unfinished: bool = False) -> None:
        self.message = message
        self.offset = offset
        self.unfinished = unfinished
        super().__init__(message)


def _fault(error: PgQueryError, sql: str) -> SyntaxFault:
    before = sql[: max(error.cursorpos - 1, 0)]
    message = " ".join(error.message.split())
    message = message if len(message) <= 200 else message[:200] + "…"
    return SyntaxFault(message, len(before.encode()), unfinished=error.message.endswith("at end of input"))


def tokens(data: bytes) -> list[Token]:
    """Tokenise UTF-8 text without NUL; raises ``SyntaxFault`` at an unterminated string or comment."""
    return list(_tokens(data))


def _tokens(data: bytes) -> Iterator[Token]:
    sql = data.decode()
    try:
        found = _scan(sql).tokens
    except PgQueryError as error:
        raise _fault(error, sql) from error
    except UnicodeDecodeError as error:
        raise SyntaxFault("a token cannot be read", 0) from error
    names: dict[int, str] = {}
    for token in found:
        number = token.token
        yield Token(names.get(number) or names.setdefault(number, _token_name(number)), token.start, token.end)


def _token_name(number: int) -> str:
    named = TOKEN_NAMES.get(number)
    return named.name if named else f"CODE_{number}"  # control characters have no name


def chain_length(found: Iterable[Token]) -> int:
    """The longest run of tokens that one branch of the syntax tree could hold: commas and brackets end it."""
    stack, longest, total = [0], 0, 0
    for token in found:
        if token.kind in ("ASCII_40", "ASCII_91"):
            stack.append(0)
        elif token.kind in ("ASCII_41", "ASCII_93"):
            total -= stack.pop() if len(stack) > 1 else 0
        elif token.kind in ("ASCII_44", "ASCII_59"):
            total -= stack[-1]
            stack[-1] = 0
        elif not token.is_comment:
            stack[-1] += 1
            total += 1
        longest = max(longest, total + len(stack))
    return longest


@lru_cache(maxsize=MOST_TREES)
def tree(sql: str) -> Any:
    """The statement node (for example a ``CreateStmt``) of one statement; raises ``SyntaxFault``."""
    if chain_length(_tokens(sql.encode())) > LONGEST_CHAIN:
        raise SyntaxFault("the statement is nested too deeply to be read", 0)
    try:
        statements = _parse(sql).stmts
    except PgQueryError as error:
        raise _fault(error, sql) from error
    except (DecodeError, UnicodeDecodeError) as error:
        raise SyntaxFault("the statement is nested too deeply to be read", 0) from error
    if len(statements) != 1:
        raise SyntaxFault("this is not one statement", 0)
    root = unwrap_node(statements[0].stmt)
    root = _shortened(root)
    _remember(root)
    return root


def _shortened(root: Any) -> Any:
    """Return a tree without most rows of constants of a long VALUES list: no rule learns more from another."""
    rows = root.select_stmt.select_stmt.values_lists if kind(root) == "InsertStmt" else ()
    if len(rows) <= LONGEST_LIST:
        return root
    kept = list(rows[:LONGEST_LIST])
    kept += [row for row in rows[LONGEST_LIST:] if any(not item.HasField("a_const") for item in row.list.items)]
    few = type(root.select_stmt.select_stmt)(values_lists=kept)
    root.select_stmt.select_stmt.ClearField("values_lists")
    root.select_stmt.select_stmt.MergeFrom(few)
    fresh = type(root)()
    fresh.CopyFrom(root)  # so that the rows are not kept in memory with it
    return fresh


_within: dict[int, tuple[Any, frozenset[str]]] = {}


def _remember(root: Any) -> None:
    """Keep which kinds of nodes a tree holds, so that a rule need not walk a tree that has none of its kinds."""
    if len(_within) >= MOST_TREES:
        _within.clear()
    _within[id(root)] = (root, frozenset(kind(found) for _, found in walk(root)))


def trees(sql: str) -> list[Any]:
    """The statement nodes of a text of any number of statements; raises ``SyntaxFault``."""
    if chain_length(_tokens(sql.encode())) > LONGEST_CHAIN:
        raise SyntaxFault("the text is nested too deeply to be read", 0)
    try:
        return [unwrap_node(statement.stmt) for statement in _parse(sql).stmts]
    except PgQueryError as error:
        raise _fault(error, sql) from error
    except (DecodeError, UnicodeDecodeError) as error:
        raise SyntaxFault("the text is nested too deeply to be read", 0) from error


def kind(node: Any) -> str:
    """The grammar's name of a node, for example ``IndexStmt``."""
    return str(type(node).DESCRIPTOR.name)


def nodes(node: Any, *kinds: str) -> Iterator[Any]:
    """Every node of the tree, the root first; only those of the given kinds when any are given."""
    root, within = _within.get(id(node), (None, frozenset()))
    if kinds and root is node and within.isdisjoint(kinds):
        return
    for _, found in walk(node):
        if not kinds or kind(found) in kinds:
            yield found


def strings(items: Any) -> list[str]:
    """The names in a list of String nodes."""
    return [part.string.sval for part in items if part.WhichOneof("node") == "string"]


def inner(node: Any) -> Any:
    """What a wrapping Node holds: the node itself where it wraps nothing."""
    return unwrap_node(node)


def constant(node: Any, field: str) -> str:
    """The name of an enumeration field's value, for example ``OBJECT_VIEW``."""
    value = getattr(node, field)
    return str(node.DESCRIPTOR.fields_by_name[field].enum_type.values_by_number[value].name)


def option(node: Any, name: str) -> Any | None:
    """The DefElem of that name among a statement's ``options`` or ``params``; None when it has none."""
    for holder in ("options", "params"):
        for item in getattr(node, holder, ()):
            if item.WhichOneof("node") == "def_elem" and item.def_elem.defname == name:
                return item.def_elem
    return None


def is_transactional(node: Any) -> bool:
    """Whether the statement may run inside a transaction block."""
    name = kind(node)
    if name in ("IndexStmt", "DropStmt"):
        return not node.concurrent
    if name == "ReindexStmt":
        return option(node, "concurrently") is None
    if name == "AlterTableStmt":
        return not any(command.concurrent for command in nodes(node, "PartitionCmd"))
    return name not in ("VacuumStmt", "CreatedbStmt", "DropdbStmt", "AlterSystemStmt", "CreateTableSpaceStmt")
