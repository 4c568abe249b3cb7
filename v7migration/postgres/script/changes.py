"""What a change does to tables that were there before: rewrites, scans, rows it cannot fill, locks that outlive it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from . import grammar, objects, zones
from .known import Known
from .model import ACCEPT, Problem, Section, Statement, Step
from .objects import Named, short
from .rewriting import adds_rewriting, adds_scanning

WORK = frozenset({"UpdateStmt", "DeleteStmt", "MergeStmt", "CreateTableAsStmt", "RefreshMatViewStmt", "ReindexStmt"})
TIMEOUTS = frozenset({"lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout", "deadlock_timeout"})


def findings(section: Section, step: Step, made: set[Named], known: Known) -> Iterator[Problem]:
    """What stands against the statements of one step, which the server runs in one transaction."""
    for statement in step.statements:
        root = grammar.tree(statement.text)
        yield from zones.findings(section, statement, root)
        yield from _timeouts(section, statement, root)
        if grammar.kind(root) == "AlterTableStmt" and ("table", objects.relation(root.relation)) not in made:
            yield from _added(section, statement, root, known)
    if step.transactional:
        yield from _validated_at_once(section, step, made)
        yield from _held(section, step, made)


def _timeouts(section: Section, statement: Statement, root: Any) -> Iterator[Problem]:
    for node in grammar.nodes(root, "VariableSetStmt"):
        if node is not root and node.name in TIMEOUTS:
            message = f"a function sets {node.name} itself, so the runner's limit does not hold in it"
            hint = "Leave the timeouts to whoever calls it."
            yield Problem("V7S225", ACCEPT, section.number, statement.line, message, hint)


def _added(section: Section, statement: Statement, root: Any, known: Known) -> Iterator[Problem]:
    """Columns added to a table with rows: those that rewrite it, and those that its rows cannot fill."""
    table = short(objects.relation(root.relation))
    for command in grammar.nodes(root, "AlterTableCmd"):
        if grammar.constant(command, "subtype") != "AT_AddColumn":
            continue
        column = getattr(command, "def").column_def
        line = statement.line_of(column.location)
        if reason := adds_rewriting(column, known):
            message = f"the column {column.colname} rewrites {table} under the strongest lock: {reason}"
            hint = "Add it empty, set the default for new rows, and fill the old ones in batches."
            yield Problem("V7S221", ACCEPT, section.number, line, message, hint)
        elif _is_empty_but_required(column):
            message = f"the column {column.colname} is NOT NULL without a default: it fails where {table} has rows"
            hint = "Give it a constant default, or add it without NOT NULL and fill it first."
            yield Problem("V7S222", ACCEPT, section.number, line, message, hint)
        if not adds_rewriting(column, known) and (reason := adds_scanning(column)):
            message = f"the column {column.colname} makes {table} be read under the strongest lock: {reason}"
            hint = (
                "Add the column alone; add its constraint NOT VALID, or by an index built CONCURRENTLY, in later steps."
            )
            yield Problem("V7S213", ACCEPT, section.number, line, message, hint)


def _is_empty_but_required(column: Any) -> bool:
    kinds = {grammar.constant(item.constraint, "contype") for item in column.constraints}
    return bool(kinds & {"CONSTR_NOTNULL", "CONSTR_PRIMARY"}) and not kinds & {
        "CONSTR_DEFAULT", "CONSTR_GENERATED", "CONSTR_IDENTITY",
    }  # fmt: skip


def _validated_at_once(section: Section, step: Step, made: set[Named]) -> Iterator[Problem]:
    """A constraint that is validated in the transaction that added it is scanned under its strong lock."""
    added: set[tuple[str, str]] = set()
    for statement in step.statements:
        root = grammar.tree(statement.text)
        if grammar.kind(root) != "AlterTableStmt" or ("table", objects.relation(root.relation)) in made:
            continue
        table = objects.relation(root.relation)
        for command in grammar.nodes(root, "AlterTableCmd"):
            subtype = grammar.constant(command, "subtype")
            if subtype == "AT_AddConstraint":
                added.add((table, getattr(command, "def").constraint.conname))
            elif subtype == "AT_ValidateConstraint" and (table, command.name) in added:
                message = (
                    f"{command.name} is validated in the transaction that adds it: "
                    f"{short(table)} is scanned under the strongest lock"
                )
                hint = "Validate it in a step of its own."
                yield Problem("V7S223", ACCEPT, section.number, statement.line, message, hint)


def _held(section: Section, step: Step, made: set[Named]) -> Iterator[Problem]:
    """A strong lock on a table that others use, held while the same transaction goes on with long work."""
    locked: dict[str, int] = {}
    for statement in step.statements:
        root = grammar.tree(statement.text)
        works = _works(root, made, set(locked)) if locked else set()
        if works:
            table, line = next(iter(locked.items()))
            message = (
                f"the transaction that has locked {short(table)} against everybody goes on to "
                f"{'/'.join(sorted(works))} here: nobody can use {short(table)} meanwhile"
            )
            hint = f"Line {line} takes the lock. Put this statement into a step of its own."
            yield Problem("V7S224", ACCEPT, section.number, statement.line, message, hint)
            return
        for table in strongly_locked(root):
            if ("table", table) not in made:
                locked.setdefault(table, statement.line)


def _works(root: Any, made: set[Named], locked: set[str]) -> set[str]:
    kind = grammar.kind(root)
    if kind in WORK:
        return {"change rows" if kind in ("UpdateStmt", "DeleteStmt", "MergeStmt") else "read whole tables"}
    if kind == "InsertStmt" and any(True for _ in grammar.nodes(root.select_stmt, "RangeVar")):
        return {"copy rows"}
    if kind == "IndexStmt" and ("table", objects.relation(root.relation)) not in made:
        return {"build an index"}
    others = {name for name in strongly_locked(root) if ("table", name) not in made} - locked
    return {f"lock {short(name)}" for name in others} if kind == "AlterTableStmt" else set()


def strongly_locked(root: Any) -> list[str]:
    """The tables on which a statement takes a lock that stops readers (ACCESS EXCLUSIVE)."""
    kind = grammar.kind(root)
    if kind == "DropStmt":
        return [name for what, name in objects.dropped_by(root) if what == "table"]
    if kind == "RenameStmt" and root.relation.relname:
        return [objects.relation(root.relation)]
    if kind != "AlterTableStmt" or grammar.constant(root, "objtype") != "OBJECT_TABLE":
        return []
    weak = {"AT_ValidateConstraint", "AT_SetStatistics", "AT_AttachPartition"}
    commands = {grammar.constant(command, "subtype") for command in grammar.nodes(root, "AlterTableCmd")}
    return [objects.relation(root.relation)] if commands - weak else []
