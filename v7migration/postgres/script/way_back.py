"""Does the rollback take back what the forward sections make, in an order that works, and nothing else?"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Iterator

from v7migration.postgres.qualified import first, holder, joined, last, parts_of

from . import grammar, objects, restored
from .makes import makes
from .model import ACCEPT, ADVICE, REFUSE, Problem, Script, Section, Statement
from .objects import Named

GATE_SCHEMA = "migration_gate"  # survives a rollback
GONE_WITH_TABLE = frozenset({"index", "trigger", "policy", "constraint", "column", "statistics"})
CHANGES = ("DeleteStmt", "UpdateStmt", "InsertStmt", "MergeStmt")
Maker = tuple[Section, Statement]


def never_made(script: Script, executed: Container[str]) -> Callable[[str], bool]:
    """Return the rule by which a rollback may pass over a missing object.

    Args:
        script: the script that is taken back.
        executed: the keys of its steps that committed.

    Returns:
        Asked with a NOTICE about a missing object: whether no executed step made an object of that name, so that it
        is missing rightly. (A NOTICE about an object that an executed step made is a failure: somebody took it away.)
    """
    made = [
        parts_of(name)[-2:] if kind in ("trigger", "column") else parts_of(name)[-1:]
        for section in script.sections
        for step in section.steps
        if step.key in executed
        for statement in step.statements
        for kind, name in objects.created(statement)
    ]

    def is_fine(message: str) -> bool:
        words = {
            word.rpartition(".")[2] for word in re.findall(r"[^\s\"',()]+", message)
        }  # a schema's part is no object
        words.update(re.findall(r'"([^"]*)"', message))  # a name may hold dots
        return not any(words.issuperset(parts) for parts in made)

    return is_fine


def statement_findings(statement: Statement) -> Iterator[tuple[str, str, str, str]]:
    """What only matters in the rollback: it is one transaction."""
    if not statement.transactional:
        message = "this statement cannot be in the rollback's one transaction"
        yield "V7S054", REFUSE, message, "Drop without CONCURRENTLY."
    root = grammar.tree(statement.text)
    if grammar.kind(root) == "DropStmt" and not root.missing_ok:
        message = "this DROP fails where the object is missing, after a run that stopped early"
        yield "V7S055", ADVICE, message, "Write IF EXISTS."
    changed = [objects.relation(node.relation) for node in grammar.nodes(root, *CHANGES)]
    if any(not name.startswith(f"{GATE_SCHEMA}.") for name in changed):
        yield "V7S056", ACCEPT, "the rollback changes rows", "Say in the section's purpose which, and why."


def findings(script: Script) -> list[Problem]:
    """Compare what the forward sections make with what the rollback drops."""
    made = _made(script)
    if script.rollback is None:
        return _missing(script, made)
    dropped: dict[Named, int] = {}
    for position, statement in enumerate(script.rollback.statements):
        for named in objects.dropped(statement):
            dropped.setdefault(named, position)
    for named, (_, statement) in made.items():
        whole = _partition_of(named, statement)
        if whole is not None and whole in dropped:
            dropped.setdefault(named, dropped[whole])
    columns = objects.Index(named for named in dropped if named[0] == "column")
    places = {named: _position(named, statement, dropped, columns) for named, (_, statement) in made.items()}
    for index, constraint in _taken_over(script):
        if constraint in dropped and places.get(index, 0) is None:
            places[index] = dropped[constraint]
    again = {named for statement in script.rollback.statements for named in objects.created(statement)}
    again |= {("type", name) for name in restored.new_names(script.rollback.statements)}
    left = [item for item in made.items() if item[0] not in again]
    return [
        *_left(dict(left), places),
        *_out_of_order(script.rollback, made, places),
        *_foreign(script, dropped, again),
    ]


def _taken_over(script: Script) -> Iterator[tuple[Named, Named]]:
    """Each index that a constraint takes over (USING INDEX), with that constraint: they go together."""
    for statement in (statement for section in script.sections for statement in section.statements):
        root = grammar.tree(statement.text)
        for node in grammar.nodes(root, "Constraint") if grammar.kind(root) == "AlterTableStmt" else ():
            if node.indexname:
                table = objects.relation(root.relation)
                index = joined(first(table), node.indexname)
                yield ("index", index), ("constraint", objects.part(table, node.conname or node.indexname))


def _missing(script: Script, made: dict[Named, Maker]) -> list[Problem]:
    """No way back: a fault where the script makes or changes anything that stays."""
    ever = frozenset(named for section in script.sections for named in objects.section_objects(section))
    statements = [statement for section in script.sections for statement in section.statements]
    if not made and not any(restored.leaves_traces(statement, ever) for statement in statements):
        return []
    hint = "Write Section 9 in a block comment: views, tables, columns, schemas, without CASCADE."
    return [Problem("V7S051", REFUSE, None, 1, "the script has no rollback section", hint)]


def _made(script: Script) -> dict[Named, Maker]:
    made: dict[Named, Maker] = {}
    for section in script.sections:
        for statement in section.statements:
            for named in objects.dropped(statement):
                made.pop(named, None)
            for named in objects.created(statement):
                if not _of_the_gate(named):
                    made.setdefault(named, (section, statement))
    return made


def _partition_of(named: Named, statement: Statement) -> Named | None:
    """The table whose partition a table is, with which it goes; None for one that stands alone."""
    root = grammar.tree(statement.text)
    if named[0] != "table" or grammar.kind(root) != "CreateStmt" or not root.HasField("partbound"):
        return None
    return "table", objects.relation(root.inh_relations[0].range_var)


def _of_the_gate(named: Named) -> bool:
    return first(named[1]) == GATE_SCHEMA


def _table_of(named: Named, statement: Statement) -> str:
    """The table that an object goes with; '' for those that stand alone."""
    if named[0] == "index":
        return objects.relation(grammar.tree(statement.text).relation)
    if named[0] == "statistics":
        return min(objects.uses(statement).relations, default="")
    return holder(named[1]) if named[0] in GONE_WITH_TABLE else ""


def _position(named: Named, statement: Statement, dropped: dict[Named, int], columns: objects.Index) -> int | None:
    """At which statement of the rollback an object goes: itself, with its table or with a column of its index."""
    if named in dropped:
        return dropped[named]
    table = _table_of(named, statement)
    places = [dropped[other] for other in (("table", table), ("view", table)) if other in dropped]
    if named[0] in ("index", "constraint", "statistics"):
        places += [dropped[column] for column in columns.used(objects.uses(statement))]
    return min(places, default=None)


def _left(made: dict[Named, Maker], places: dict[Named, int | None]) -> Iterator[Problem]:
    for named, (section, statement) in made.items():
        if places[named] is None:
            message = f"the rollback leaves the {named[0]} {named[1].removeprefix('public.')}"
            hint = "Drop it in Section 9, before what it depends on."
            yield Problem("V7S052", ACCEPT, section.number, statement.line, message, hint)


def _out_of_order(rollback: Section, made: dict[Named, Maker], places: dict[Named, int | None]) -> Iterator[Problem]:
    going = {named: place for named, place in places.items() if place is not None}
    index = objects.Index(going)
    for user, at in going.items():
        for other in index.used(objects.uses(made[user][1])):
            place = going[other]
            if place >= at or user == other:
                continue
            if user[0] in GONE_WITH_TABLE and other[0] in ("table", "column"):
                continue
            line = rollback.statements[place].line
            early, late = (f"{kind} {name.removeprefix('public.')}" for kind, name in (other, user))
            message = f"the rollback drops the {early} before the {late} that uses it"
            hint = "Views first, then tables, then columns, then types and schemas: the server refuses it otherwise."
            yield Problem("V7S053", ACCEPT, rollback.number, line, message, hint)


def _foreign(script: Script, dropped: dict[Named, int], again: Container[Named]) -> Iterator[Problem]:
    """What the rollback drops and the script does not make; what it makes again after dropping it stays (``again``)."""
    if script.rollback is None:
        return
    made = {named for section in script.sections for named in objects.section_objects(section)}
    tables = {name for kind, name in made if kind == "table"} | set(_renamed(script))
    unnamed = makes(script).unnamed
    for named, position in dropped.items():
        line = script.rollback.statements[position].line
        name = named[1].removeprefix("public.")
        if _of_the_gate(named):
            message = f"the rollback drops {name}, which must survive it"
            hint = "Leave migration_gate alone: it holds the fence and the run ledger."
            yield Problem("V7S058", REFUSE, script.rollback.number, line, message, hint)
        elif named not in made and named not in again and holder(named[1]) not in tables and not _fits(named, unnamed):
            message = f"the rollback drops the {named[0]} {name}, which the script does not make"
            hint = "Drop only what the script made."
            yield Problem("V7S057", ACCEPT, script.rollback.number, line, message, hint)


def _renamed(script: Script) -> Iterator[str]:
    """The names that forward sections give to tables: what is on them is theirs to name."""
    for statement in (statement for section in script.sections for statement in section.statements):
        root = grammar.tree(statement.text)
        if grammar.kind(root) == "RenameStmt" and root.relation.relname and not root.subname:
            yield joined(first(objects.relation(root.relation)), root.newname)


def _fits(named: Named, unnamed: Iterable[Named]) -> bool:
    """Whether a name may be the one that the server gave to a constraint or an index of the script without a name."""
    kind, name = named
    if kind == "constraint":
        return any(what == kind and holder(name) == table for what, table in unnamed)
    if kind == "index":
        return any(first(table) == first(name) and last(name).startswith(f"{last(table)}_") for _, table in unnamed)
    return False
