"""A name that the script gives twice (V7S308), and a label of an ENUM used in the transaction that adds it (V7S309)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from . import against, grammar, objects
from .model import ACCEPT, REFUSE, Problem, Section, Statement, Step

Placed = tuple[Section, Statement]
FILES = frozenset({"table", "view", "index", "sequence"})
"""Kinds that share one space of names."""


def findings(order: list[Placed]) -> Iterator[Problem]:
    """Walk the statements in the order of execution, with what is dropped and renamed on the way."""
    makers: dict[tuple[str, str], int] = {}
    for section, statement in order:
        root = grammar.tree(statement.text)
        for kind, name in objects.dropped(statement):
            makers.pop(_place(kind, name, None), None)
        if grammar.kind(root) == "RenameStmt" and root.relation.relname and not root.subname:
            makers.pop(("file", objects.relation(root.relation)), None)
        for kind, name in _made(statement, root):
            place = _place(kind, name, against.arguments(root))
            if place in makers and not getattr(root, "replace", False):
                what = f"the {kind} {name.removeprefix('public.')}"
                message = f"{what} is made a second time: the script has made something of that name already"
                hint = f"Line {makers[place]} makes it. Leave one of them out, or give it another name."
                yield Problem("V7S308", REFUSE, section.number, statement.line, message, hint)
            makers.setdefault(place, statement.line)


def _made(statement: Statement, root: Any) -> list[tuple[str, str]]:
    if grammar.kind(root) in ("CreateFunctionStmt", "DefineStmt") and getattr(root, "replace", False):
        return []
    made = list(objects.created(statement))
    if getattr(root, "if_not_exists", False) or any(node.missing_ok for node in grammar.nodes(root, "AlterTableCmd")):
        return []
    if grammar.kind(root) in ("CreateStmt", "CreateSeqStmt") and objects.is_temporary(root):
        return []
    if grammar.kind(root) == "CreateStmt":
        made += list(against.names_given(statement))
    return made


def _place(kind: str, name: str, arguments: list[str] | None) -> tuple[str, str]:
    if kind == "function":
        return kind, name if arguments is None else f"{name}({', '.join(arguments)})"
    return ("file" if kind in FILES else kind), name


def used_at_once(section: Section, step: Step, made: set[objects.Named]) -> Iterator[Problem]:
    """A label that one transaction adds to an ENUM type and uses: the server refuses it before the COMMIT."""
    if not step.transactional:
        return
    added: dict[str, int] = {}
    for statement in step.statements:
        root = grammar.tree(statement.text)
        if grammar.kind(root) == "AlterEnumStmt":
            name = objects.qualified(grammar.strings(root.type_name))
            if root.new_val and not root.old_val and ("type", name) not in made:
                added[root.new_val] = statement.line
            continue
        if not added or grammar.kind(root) == "CommentStmt":
            continue
        for node in grammar.nodes(root, "A_Const"):
            if node.HasField("sval") and node.sval.sval in added:
                value = node.sval.sval
                message = f"'{value}' is used in the transaction that adds it to a type: the server refuses it there"
                hint = f"Line {added.pop(value)} adds it: put that into a step of its own, which commits before."
                line = statement.line_of(node.location)
                yield Problem("V7S309", ACCEPT, section.number, line, message, hint)
