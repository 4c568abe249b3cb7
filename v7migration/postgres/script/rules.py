"""What can be said against a script by reading it: the allow-list first, then what a person must accept."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from v7migration.postgres.qualified import holder

from . import (
    against,
    bodies,
    changes,
    grammar,
    granted,
    joins,
    kinds,
    objects,
    order,
    ranking,
    references,
    restored,
    twice,
    undone,
    way_back,
)
from .known import Known, of_target
from .model import ACCEPT, ADVICE, REFUSE, Problem, Script, ScriptInvalid, Section, Statement
from .objects import short
from .reading import parse

Finding = tuple[str, str, str, str]  # id, severity, message, hint


def problems(script: Script, document: Mapping[str, Any] | None = None) -> list[Problem]:
    """Every finding about a script that could be read, by line; each id is stable.

    ``document``: the catalogs of the target (``postgres.catalog.snapshot``), with which the script is compared.
    """
    made = {named for section in script.sections for named in objects.section_objects(section)}
    found = list(script.notes)
    sections = [*script.sections, *([script.population] if script.population else [])]
    for section in sections:
        for statement in section.statements:
            found += _placed(section, statement, [*_always(statement), *_forward(statement, made)])
    for section, statement in _population_statements(script):
        if statement.kind not in ("InsertStmt", "SelectStmt", "UpdateStmt"):
            found += _placed(section, statement, [_in_population(statement)])
    if script.rollback:
        for statement in script.rollback.statements:
            found += _placed(script.rollback, statement, [*_always(statement), *way_back.statement_findings(statement)])
    found += way_back.findings(script)
    found += _in_order(script, made, document)
    return sorted(dict.fromkeys(found), key=lambda problem: (problem.line, problem.id, problem.message))


def problems_of(content: bytes, document: Mapping[str, Any] | None = None) -> list[Problem]:
    """As ``problems``, for bytes: where they cannot be read, what ``parse`` has to say instead of an exception."""
    try:
        return problems(parse(content), document)
    except ScriptInvalid as invalid:
        return problems_besides(invalid, document)


# What a statement that cannot be read may make or undo: of these rules nothing is said about the rest.
OF_THE_WHOLE = frozenset({
    "V7S050", "V7S051", "V7S052", "V7S053", "V7S057", "V7S204", "V7S218", "V7S219", "V7S220", "V7S226", "V7S227",
    "V7S301", "V7S302", "V7S303", "V7S304", "V7S307", "V7S308", "V7C004",
})  # fmt: skip


def problems_besides(invalid: ScriptInvalid, document: Mapping[str, Any] | None = None) -> list[Problem]:
    """Why a script cannot be read, and what stands against the statements of it that can be."""
    if invalid.rest is None:
        return invalid.problems
    try:
        found = problems(invalid.rest, document)
    except ScriptInvalid:  # its sections need each other in a circle
        return invalid.problems
    kept = [problem for problem in found if problem.id not in OF_THE_WHOLE]
    return sorted({*invalid.problems, *kept}, key=lambda problem: (problem.line, problem.id, problem.message))


def _in_order(script: Script, made: set[objects.Named], document: Mapping[str, Any] | None) -> Iterator[Problem]:
    """What the order of execution and the target show: references, queries, changes of tables, rights."""
    plan = [section for section, _ in order.plan_order(script)]
    statements = [(section, statement) for section in plan for statement in section.statements]
    known = of_target(document) if document is not None else Known()
    if document is not None:
        yield from against.findings(script, statements, known, document)
    yield from references.findings(statements, known, None if document is None else against.held(document).keys())
    for section in plan:
        for step in section.steps:
            yield from changes.findings(section, step, made, known)
            yield from twice.used_at_once(section, step, made)
    for section, statement in statements:
        yield from _queries(section, statement, known)
    yield from granted.findings(statements)
    yield from undone.findings(script, statements, frozenset(made))
    yield from restored.findings(script, statements, frozenset(made))
    yield from _dropped(statements)
    yield from twice.findings(statements)


def _dropped(statements: list[tuple[Section, Statement]]) -> Iterator[Problem]:
    """What is dropped although the script has not made it before: one that it makes again later was somebody else's."""
    made: set[objects.Named] = set()
    for section, statement in statements:
        for named in objects.dropped(statement):
            if named not in made and ("table", holder(named[1])) not in made:
                message = f"a forward section drops the {named[0]} {short(named[1])}, which the script did not make"
                hint = "The rollback cannot bring back what it held."
                yield Problem("V7S204", ACCEPT, section.number, statement.line, message, hint)
        made.difference_update(objects.dropped(statement))
        made.update(objects.created(statement))


def _queries(section: Section, statement: Statement, known: Known) -> Iterator[Problem]:
    root = grammar.tree(statement.text)
    for line, query in _query_places(statement, root):
        shown = _shown(query)
        for select in grammar.nodes(query, "SelectStmt"):
            if product := joins.multiplied(select, known, shown=any(select is one for one in shown)):
                node, message = product
                hint = "Aggregate each one-to-many side by itself before it is joined."
                yield Problem("V7S304", ACCEPT, section.number, line(node.location), message, hint)
        for node, what, by, severity in ranking.alphabetical(query, known):
            message = f"{what}, and {by} compares it by its letters: 'critical' comes before 'high', 'low'"
            hint = "Compare array_position(ARRAY['low', 'medium', 'high', 'critical'], …), or an ENUM in that order."
            yield Problem("V7S305", severity, section.number, line(node.location), message, hint)


def _shown(root: Any) -> list[Any]:
    """The queries whose rows a view shows: its own, or the arms of its UNION."""
    if grammar.kind(root) not in ("ViewStmt", "CreateTableAsStmt"):
        return []
    waiting, found = [grammar.inner(root.query)], []
    while waiting:
        select = waiting.pop()
        if grammar.kind(select) == "SelectStmt" and grammar.constant(select, "op") != "SETOP_NONE":
            waiting += [select.larg, select.rarg]
        elif grammar.kind(select) == "SelectStmt":
            found.append(select)
    return found


def _query_places(statement: Statement, root: Any) -> Iterator[tuple[Callable[[int], int], Any]]:
    """The statement, and the statements of a function's body in SQL, each with the way from an offset to a line."""
    yield statement.line_of, root
    if grammar.kind(root) == "CreateFunctionStmt":
        for inner in bodies.statements(root):
            yield (lambda offset: statement.line), inner


def _placed(section: Section, statement: Statement, findings: list[Finding]) -> list[Problem]:
    return [Problem(identifier, severity, section.number, statement.line, message, hint)
            for identifier, severity, message, hint in findings]  # fmt: skip


def _population_statements(script: Script) -> list[tuple[Section, Statement]]:
    return [(script.population, item) for item in script.population.statements] if script.population else []


def _in_population(statement: Statement) -> Finding:
    message = f"the population block holds {statement.kind}"
    return "V7S115", REFUSE, message, "It inserts rows and does nothing else."


def _always(statement: Statement) -> Iterator[Finding]:
    """What holds in every section, the rollback too."""
    root = grammar.tree(statement.text)
    for node in grammar.nodes(root):
        name = grammar.kind(node)
        if name == "VariableSetStmt":
            if node is root:
                yield _setting(node)
            elif node.name in ("role", "session_authorization"):
                yield "V7S105", REFUSE, "a function changes its role", "Use SECURITY DEFINER and an owner."
        elif name.endswith("Stmt") and name not in kinds.ALLOWED and name not in kinds.PARTS:
            yield _refused(name)
        elif name == "FuncCall" and kinds.DANGEROUS_FUNCTIONS.intersection(grammar.strings(node.funcname)[-1:]):
            called = grammar.strings(node.funcname)[-1]
            hint = "It acts outside this migration's objects."
            yield "V7S116", REFUSE, f"the function {called}() is not allowed in a script", hint
    yield from _by_kind(root)


def _refused(name: str) -> Finding:
    if name in kinds.REFUSED:
        identifier, what, hint = kinds.REFUSED[name]
        return identifier, REFUSE, f"{what} is not allowed in a script", hint
    hint = "Only kinds on the allow-list run; ask for another way to say it."
    return "V7S100", REFUSE, f"the statement kind {name} is not on the allow-list", hint


def _setting(node: Any) -> Finding:
    if node.name in ("role", "session_authorization"):
        return "V7S105", REFUSE, "changing the role is not allowed in a script", "The runner's role owns what it makes."
    if node.name in ("TRANSACTION", "SESSION CHARACTERISTICS", "TRANSACTION SNAPSHOT"):
        return _refused("TransactionStmt")
    return _refused("VariableSetStmt")


def _by_kind(root: Any) -> Iterator[Finding]:
    name = grammar.kind(root)
    if name == "DropStmt":
        what = grammar.constant(root, "remove_type")
        if what not in kinds.DROPPABLE:
            yield "V7S100", REFUSE, f"dropping {what} is not on the allow-list", "Name another way to say it."
    if name == "DefineStmt" and grammar.constant(root, "kind") not in kinds.DEFINABLE:
        what = grammar.constant(root, "kind")
        yield "V7S100", REFUSE, f"defining {what} is not on the allow-list", "Name another way to say it."
    cascades = any(_cascades(node) for node in grammar.nodes(root, "DropStmt", "AlterTableCmd", "GrantStmt"))
    if cascades:
        hint = "Name each object, in the order in which they depend on each other."
        yield "V7S117", REFUSE, "CASCADE drops what nobody named", hint
    for command in grammar.nodes(root, "AlterTableCmd"):
        subtype = grammar.constant(command, "subtype")
        if subtype not in kinds.TABLE_COMMANDS:
            yield "V7S100", REFUSE, f"{subtype} is not on the allow-list of ALTER TABLE", "Name another way to say it."
    for select in grammar.nodes(root, "SelectStmt"):
        if select.HasField("into_clause"):
            yield "V7S118", REFUSE, "SELECT INTO makes a table", "Write CREATE TABLE."
    if name == "CreateFunctionStmt":
        yield from _function(root)


def _cascades(node: Any) -> bool:
    return grammar.constant(node, "behavior") == "DROP_CASCADE"


def _function(root: Any) -> Iterator[Finding]:
    language = grammar.option(root, "language")
    name = language.arg.string.sval.lower() if language is not None else "sql"
    if name not in kinds.LANGUAGES:
        yield "V7S119", REFUSE, f"a function in {name}", "Only sql and plpgsql can be reviewed here."
    security = grammar.option(root, "security")
    path = any(item.name == "search_path" for item in grammar.nodes(root, "VariableSetStmt"))
    if security is not None and security.arg.boolean.boolval and not path:
        hint = "Add SET search_path = pg_catalog, pg_temp."
        yield "V7S203", ACCEPT, "a SECURITY DEFINER function without a search_path of its own", hint
    yield from bodies.findings(root)


def _forward(statement: Statement, made: set[objects.Named]) -> Iterator[Finding]:
    """What a person must know of before a forward section or the population runs."""
    root = grammar.tree(statement.text)
    if any(getattr(node, "if_not_exists", False) or _adds_if_missing(node) for node in grammar.nodes(root)):
        hidden = grammar.kind(root) == "IndexStmt" and not statement.transactional
        hint = "At run time its NOTICE is a failure. Leave IF NOT EXISTS out."
        message = "IF NOT EXISTS hides an object of the same name and another shape"
        if hidden:
            message = "IF NOT EXISTS passes over the invalid index that a failed concurrent build leaves"
        yield "V7S201", ACCEPT if hidden else ADVICE, message, hint
    if getattr(root, "replace", False):
        hint = "The rollback cannot bring the former definition back. Leave OR REPLACE out."
        yield "V7S202", ACCEPT, "OR REPLACE overwrites what may be there already", hint
    for node in grammar.nodes(root, "InsertStmt", "DeleteStmt", "UpdateStmt", "MergeStmt"):
        target = objects.relation(node.relation)
        if target == f"{way_back.GATE_SCHEMA}.run_ledger":
            hint = "Only the runner writes migration_gate.run_ledger."
            yield "V7S120", REFUSE, "the script writes the run's own account", hint
        if grammar.kind(node) == "InsertStmt" and not _overwrites(node):
            continue
        if ("table", target) not in made and not _fills_own_columns(node, target, made):
            message = f"rows of {short(target)} change, and the rollback cannot bring them back"
            yield "V7S205", ACCEPT, message, "Say in the section's purpose why no value is lost."
    yield from _rights(statement, root, made)
    yield from _notable(statement, root, made)


def _overwrites(insert: Any) -> bool:
    return grammar.constant(insert.on_conflict_clause, "action") == "ONCONFLICT_UPDATE"


def _fills_own_columns(node: Any, table: str, made: set[objects.Named]) -> bool:
    """Whether an UPDATE writes only columns that the script itself adds: they go with the rollback."""
    if grammar.kind(node) != "UpdateStmt":
        return False
    columns = [item.res_target.name for item in node.target_list]
    return bool(columns) and all(("column", objects.part(table, name)) in made for name in columns)


def _rights(statement: Statement, root: Any, made: set[objects.Named]) -> Iterator[Finding]:
    """Who may do what afterwards, and what runs unasked whenever somebody writes a table."""
    name = grammar.kind(root)
    if name == "AlterDefaultPrivilegesStmt":
        yield "V7S215", ACCEPT, "rights on whatever is made later change", "Grant on each object by name."
    for grant in grammar.nodes(root, "GrantStmt"):
        if grant.is_grant and any(grammar.constant(role, "roletype") == "ROLESPEC_PUBLIC" for role in _grantees(grant)):
            yield "V7S215", ACCEPT, "everybody (PUBLIC) is granted rights", "Grant to the roles that need them."
        if grant.grant_option and grant.is_grant:
            yield "V7S215", ACCEPT, "a role may grant its rights on", "Leave WITH GRANT OPTION out."
    if name in ("CreateTrigStmt", "CreatePolicyStmt"):
        table = objects.relation(root.relation if name == "CreateTrigStmt" else root.table)
        if ("table", table) not in made:
            what = "trigger" if name == "CreateTrigStmt" else "policy"
            message = f"a {what} acts on {short(table)}, which the script did not make"
            yield "V7S216", ACCEPT, message, "Read its function and condition: the application's statements meet it."


def _grantees(grant: Any) -> list[Any]:
    return [item.role_spec for item in grant.grantees if item.WhichOneof("node") == "role_spec"]


def _adds_if_missing(node: Any) -> bool:
    if grammar.kind(node) != "AlterTableCmd" or not node.missing_ok:
        return False
    return grammar.constant(node, "subtype") == "AT_AddColumn"


def _notable(statement: Statement, root: Any, made: set[objects.Named]) -> Iterator[Finding]:
    name = grammar.kind(root)
    if name == "SelectStmt":
        yield "V7S206", ACCEPT, "a bare SELECT runs, and its rows are thrown away", "Read which functions it calls."
    if name in ("RenameStmt", "AlterOwnerStmt", "AlterObjectSchemaStmt"):
        message = "an object changes its name, owner or schema"
        yield "V7S207", ACCEPT, message, "Whoever uses the old name, or has rights as its owner, fails from then on."
    if name == "AlterEnumStmt" and root.new_val and not root.old_val:
        message = f"the value {root.new_val} is added to an ENUM type for good: PostgreSQL cannot take it out again"
        yield "V7S217", ACCEPT, message, "Make another type and change the columns to it, so that Section 9 leads back."
    if name == "CreateExtensionStmt":
        yield "V7S208", ACCEPT, f"the extension {root.extname} is installed", "It needs rights and brings its own code."
    if name in ("CreateStmt", "CreateTableAsStmt"):
        made_table = root.relation if name == "CreateStmt" else root.into.rel
        if made_table.relpersistence in ("t", "u"):
            yield "V7S209", ACCEPT, "a temporary or unlogged table", "Its rows do not survive."
    if name == "IndexStmt" and not root.idxname:
        yield "V7S210", ACCEPT, "an index without a name", "Name it, so that the rollback can name it."
    if name == "IndexStmt" and statement.transactional and ("table", objects.relation(root.relation)) not in made:
        message = f"building the index blocks writes to {short(objects.relation(root.relation))}"
        yield "V7S211", ACCEPT, message, "Build it CONCURRENTLY."
    if name in ("ReindexStmt", "RefreshMatViewStmt"):
        yield from _rebuilt(root, name, made)
    if name == "AlterTableStmt" and ("table", objects.relation(root.relation)) not in made:
        yield from _foreign_table(root)


def _rebuilt(root: Any, name: str, made: set[objects.Named]) -> Iterator[Finding]:
    """REINDEX and REFRESH of what was there before, unless they leave its readers and writers alone."""
    relation = objects.relation(root.relation) if root.relation.relname else getattr(root, "name", "")
    if any((kind, relation) in made for kind in ("table", "view", "index")):
        return
    if name == "ReindexStmt" and grammar.option(root, "concurrently") is None:
        yield "V7S211", ACCEPT, f"REINDEX of {short(relation)} blocks writes", "Write REINDEX … CONCURRENTLY."
    elif name == "RefreshMatViewStmt" and not root.concurrent:
        hint = "Write REFRESH MATERIALIZED VIEW CONCURRENTLY; it needs a unique index."
        yield "V7S211", ACCEPT, f"nobody can read {short(relation)} while it is filled anew", hint


def _foreign_table(root: Any) -> Iterator[Finding]:
    table = short(objects.relation(root.relation))
    for command in grammar.nodes(root, "AlterTableCmd"):
        subtype = grammar.constant(command, "subtype")
        if subtype in kinds.TABLE_COMMANDS_TO_ACCEPT:
            message = f"{subtype.removeprefix('AT_')} changes {table}, which the script did not make"
            hint = kinds.WHAT_IT_COSTS.get(subtype, "Look how long its lock is held, and whom it stops.")
            yield "V7S212", ACCEPT, message, hint
        if subtype == "AT_AddConstraint":
            yield from _constrained(table, getattr(command, "def").constraint)


def _constrained(table: str, constraint: Any) -> Iterator[Finding]:
    """What adding a constraint to a table with rows costs."""
    kind = grammar.constant(constraint, "contype")
    if not constraint.conname and not constraint.indexname:
        hint = "Name it, so that the rollback can name it."
        yield "V7S210", ACCEPT, f"a constraint of {table} without a name", hint
    if constraint.skip_validation or constraint.indexname:
        return
    if kind in ("CONSTR_PRIMARY", "CONSTR_UNIQUE"):
        hint = "Build a unique index CONCURRENTLY in a step of its own, then ADD CONSTRAINT … USING INDEX."
        yield "V7S213", ACCEPT, f"the constraint's index on {table} is built under the strongest lock", hint
    elif kind == "CONSTR_EXCLUSION":
        hint = "PostgreSQL knows no other way: run it when few people use the table."
        yield "V7S213", ACCEPT, f"the constraint's index on {table} is built under the strongest lock", hint
    elif kind == "CONSTR_FOREIGN":
        message = (
            f"the foreign key reads {table} while nobody can write it or {short(objects.relation(constraint.pktable))}"
        )
        yield "V7S213", ACCEPT, message, "Add it NOT VALID, then VALIDATE in a step of its own."
    else:
        message = f"the constraint scans {table} under the strongest lock"
        yield "V7S213", ACCEPT, message, "Add it NOT VALID, then VALIDATE in a step of its own."
