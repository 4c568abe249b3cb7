"""Reads the facts out of one syntax tree, in one pass that no depth of nesting can exhaust."""

from __future__ import annotations

import ast
import builtins
import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from v7migration.source import declarations
from v7migration.source.declarations import constant, dotted
from v7migration.source.facts import Comparison, Facts, Import, Mentions, Structure

SHORT = 128  # a name of PostgreSQL has 63 bytes, schema.name 127: a longer string is kept only if it reads like SQL
LONGEST = 20_000  # characters that are kept of a string
SQL = re.compile(
    r"\b(select|insert\s+into|update|delete\s+from|alter|create|drop|from|join|where|cast|truncate|values|returning|"
    r"group\s+by|order\s+by|set)\b|::",
    re.IGNORECASE,
)
BUILTINS = frozenset(dir(builtins))
CONSTANT_METHODS = frozenset({"in_", "not_in", "notin_", "is_", "is_not", "any_", "contains", "op", "ilike", "like"})


class _Place(NamedTuple):
    """Where a node stands: when its imports run, and the names of the classes around it."""

    when: str = "module"
    classes: str = ""


class _Reader:
    """Walks one tree and gathers; each method takes a node and its place and says which children to visit."""

    def __init__(self) -> None:
        self.imports: list[Import] = []
        self.declared = declarations.Declarations(self.imports)
        self.names: dict[str, set[int]] = defaultdict(set)
        self.attributes: dict[str, set[int]] = defaultdict(set)
        self.strings: dict[str, set[int]] = defaultdict(set)
        self.texts: dict[str, set[int]] = defaultdict(set)
        self.comparisons: list[Comparison] = []
        self.stored: set[str] = set()
        self.top: set[str] = set()

    def walk(self, tree: ast.Module) -> None:
        stack: list[tuple[ast.AST, _Place]] = [(tree, _Place())]
        while stack:
            node, place = stack.pop()
            handler = HANDLERS.get(type(node))
            children = handler(self, node, place) if handler else None
            if children is None:
                children = [(child, place) for child in ast.iter_child_nodes(node)]
            children.reverse()
            stack.extend(children)

    def result(self) -> Facts:
        self.declared.finish()
        known = {i.bound for i in self.imports} | {c.name for c in self.declared.classes} | self.top
        names: dict[str, list[int]] = {}
        for name, lines in self.names.items():
            root, _, rest = name.partition(".")
            if root in known or (root not in self.stored and root not in BUILTINS):
                names[name] = sorted(lines)
            elif rest:
                for attribute in rest.split("."):
                    self.attributes[attribute] |= lines
        found = self.declared
        structure = Structure(
            tuple(self.imports), tuple(found.classes), tuple(found.tables), tuple(found.columns),
            tuple(found.enums), tuple(found.alternatives),
        )  # fmt: skip
        mentions = Mentions(
            names, _sorted(self.attributes), _sorted(self.strings), _sorted(self.texts), tuple(self.comparisons)
        )
        return Facts("", structure, mentions)


_Children = list[tuple[ast.AST, _Place]] | None


def _sorted(lines: dict[str, set[int]]) -> dict[str, list[int]]:
    return {key: sorted(found) for key, found in lines.items()}


def _import(reader: _Reader, node: ast.Import, place: _Place) -> _Children:
    for alias in node.names:
        reader.imports.append(Import(alias.name, "", alias.asname or "", 0, node.lineno, place.when))
    return []


def _import_from(reader: _Reader, node: ast.ImportFrom, place: _Place) -> _Children:
    for alias in node.names:
        reader.imports.append(
            Import(node.module or "", alias.name, alias.asname or "", node.level, alias.lineno, place.when)
        )
    return []


def _class(reader: _Reader, node: ast.ClassDef, place: _Place) -> _Children:
    name = f"{place.classes}.{node.name}" if place.classes else node.name
    reader.declared.class_(node, name)
    outside: list[ast.AST] = [*node.decorator_list, *node.bases, *node.keywords]
    inside = _without_docstring(node.body)
    return [(c, place) for c in outside] + [(c, place._replace(classes=name)) for c in inside]


def _function(reader: _Reader, node: ast.FunctionDef | ast.AsyncFunctionDef, place: _Place) -> _Children:
    if not place.classes and place.when == "module":
        reader.top.add(node.name)
    inner = _Place("function")
    outside: list[ast.AST] = [*node.decorator_list, *([node.returns] if node.returns else [])]
    return [(c, place) for c in outside] + [(c, inner) for c in [node.args, *_without_docstring(node.body)]]


def _module(reader: _Reader, node: ast.Module, place: _Place) -> _Children:
    children: list[tuple[ast.AST, _Place]] = [(child, place) for child in _without_docstring(node.body)]
    return children


def _without_docstring(body: Sequence[ast.stmt]) -> Sequence[ast.AST]:
    return body[1:] if body and _is_bare_string(body[0]) else body


def _is_bare_string(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _expression(reader: _Reader, node: ast.Expr, place: _Place) -> _Children:
    return [] if _is_bare_string(node) else None


def _if(reader: _Reader, node: ast.If, place: _Place) -> _Children:
    if dotted(node.test).rpartition(".")[2] != "TYPE_CHECKING" or place.when != "module":
        return None
    inside: list[tuple[ast.AST, _Place]] = [(child, place._replace(when="typing")) for child in node.body]
    return inside + [(child, place) for child in node.orelse]


def _assign(reader: _Reader, node: ast.Assign, place: _Place) -> _Children:
    if len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
        _named(reader, node.targets[0].id, node.value, place)
    return None


def _annotated(reader: _Reader, node: ast.AnnAssign, place: _Place) -> _Children:
    if isinstance(node.target, ast.Name):
        _named(reader, node.target.id, node.value, place, node.annotation, node.lineno)
    return None


def _type_alias(reader: _Reader, node: ast.AST, place: _Place) -> _Children:
    name, value = getattr(node, "name", None), getattr(node, "value", None)
    if isinstance(name, ast.Name) and isinstance(value, ast.expr):
        _named(reader, name.id, value, place)
    return None


def _named(
    reader: _Reader, name: str, value: ast.expr | None, place: _Place, annotation: ast.expr | None = None, line: int = 0
) -> None:
    if place.when in ("module", "typing") and not place.classes:
        reader.top.add(name)
    reader.declared.assigned(name, value, annotation, place.classes, line)


def _call(reader: _Reader, node: ast.Call, place: _Place) -> _Children:
    called = dotted(node.func)
    last = called.rpartition(".")[2] if called else getattr(node.func, "attr", "")
    _dynamic_import(reader, node, called)
    reader.declared.call(node, called)
    if isinstance(node.func, ast.Attribute) and last in CONSTANT_METHODS:
        for argument in node.args:
            _compared(reader, node.func.value, argument)
    for keyword in node.keywords:
        text = constant(keyword.value)
        if text is not None and keyword.arg:
            reader.comparisons.append(Comparison(f"{keyword.arg}=", text, keyword.value.lineno))
    if isinstance(node.func, ast.Attribute) and not called:  # a method: its name is no column
        return [(node.func.value, place), *((c, place) for c in [*node.args, *node.keywords])]
    return None


def _dynamic_import(reader: _Reader, node: ast.Call, called: str) -> None:
    module = constant(node.args[0]) if node.args else None
    if module and called.rpartition(".")[2] in ("import_module", "__import__"):
        name = module.lstrip(".")
        package = [*node.args[1:2], *(k.value for k in node.keywords if k.arg == "package")]
        if name != module and not (package and dotted(package[0]) in ("__package__", "__name__")):
            return  # relative to something that only runs will tell
        reader.imports.append(Import(name, "", "", len(module) - len(name), node.lineno, "dynamic"))


def _attribute(reader: _Reader, node: ast.Attribute, place: _Place) -> _Children:
    line = node.end_lineno or node.lineno
    if name := dotted(node):
        reader.names[name].add(line)
        return []
    reader.attributes[node.attr].add(line)
    return [(node.value, place)]


def _name(reader: _Reader, node: ast.Name, place: _Place) -> _Children:
    if isinstance(node.ctx, ast.Load):
        reader.names[node.id].add(node.lineno)
    else:
        reader.stored.add(node.id)
    return []


def _argument(reader: _Reader, node: ast.arg, place: _Place) -> _Children:
    reader.stored.add(node.arg)
    return None


def _constant(reader: _Reader, node: ast.Constant, place: _Place) -> _Children:
    if isinstance(node.value, str):
        _string(reader, node.value, node.lineno, node.end_lineno or node.lineno)
    return []


def _string(reader: _Reader, text: str, first: int, last: int) -> None:
    if len(text) > SHORT and len({m.group().lower() for m in SQL.finditer(text[:LONGEST])}) < 2:
        return
    breaks = text.count("\n")
    kept = reader.texts if breaks and breaks in (last - first, last - first + 1) else reader.strings
    kept[text[:LONGEST]].add(first)


def _formatted(reader: _Reader, node: ast.JoinedStr, place: _Place) -> _Children:
    parts = [constant(value) for value in node.values]
    text = "".join("{}" if part is None else part for part in parts)
    _string(reader, text, node.lineno, node.end_lineno or node.lineno)
    return [(value, place) for value in node.values if not isinstance(value, ast.Constant)]


def _compare(reader: _Reader, node: ast.Compare, place: _Place) -> _Children:
    sides = [node.left, *node.comparators]
    for left, operator, right in zip(sides, node.ops, sides[1:], strict=False):
        if isinstance(operator, ast.Eq | ast.NotEq | ast.In | ast.NotIn | ast.Is | ast.IsNot):
            _compared(reader, left, right)
            _compared(reader, right, left)
    return None


def _compared(reader: _Reader, subject: ast.expr, other: ast.expr) -> None:
    """Note what a subject is compared with: a string, or the strings of a list, tuple or set."""
    many = other.elts if isinstance(other, ast.List | ast.Tuple | ast.Set) else [other]
    for one in many:
        text = constant(one)
        if text is not None:
            reader.comparisons.append(Comparison(_subject(subject), text, one.lineno))


def _subject(node: ast.expr) -> str:
    if name := dotted(node):
        return name
    if isinstance(node, ast.Attribute):
        return f".{node.attr}"
    if isinstance(node, ast.Subscript) and (key := constant(node.slice)) is not None:
        return f".{key}"
    return ""


def _match(reader: _Reader, node: ast.Match, place: _Place) -> _Children:
    for case in node.cases:
        for pattern in ast.walk(case.pattern):
            if isinstance(pattern, ast.MatchValue):
                _compared(reader, node.subject, pattern.value)
    return None


def _subscript(reader: _Reader, node: ast.Subscript, place: _Place) -> _Children:
    reader.declared.subscript(node)
    return None


HANDLERS: dict[type, Callable[[_Reader, Any, _Place], _Children]] = {
    ast.Import: _import,
    ast.ImportFrom: _import_from,
    ast.Module: _module,
    ast.ClassDef: _class,
    ast.FunctionDef: _function,
    ast.AsyncFunctionDef: _function,
    ast.Expr: _expression,
    ast.If: _if,
    ast.Assign: _assign,
    ast.AnnAssign: _annotated,
    ast.Call: _call,
    ast.Attribute: _attribute,
    ast.Name: _name,
    ast.arg: _argument,
    ast.Constant: _constant,
    ast.JoinedStr: _formatted,
    ast.Compare: _compare,
    ast.Match: _match,
    ast.Subscript: _subscript,
    getattr(ast, "TypeAlias", type(None)): _type_alias,
}


def facts_of(tree: ast.Module) -> Facts:
    """Return the facts of a parsed module."""
    reader = _Reader()
    reader.walk(tree)
    return reader.result()
