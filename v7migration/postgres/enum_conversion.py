"""The SQL that puts one enum type in the place of another, and the SQL that takes it back.

Both are made for a person to review and run: the columns are cast with the value mapping, defaults are dropped and set
again, constraints and indexes that name the type are dropped and made again, all in one transaction. What no script
should do blindly (views, domains, generated columns, …) is named in the comments as work by hand; where such an object
stands in the way the server refuses, and the transaction leaves nothing behind.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import sql

from v7migration.postgres.enum_mapping import inverse, merged_labels, replacements
from v7migration.postgres.qualified import joined

LOCK_TIMEOUT = "2s"
BY_HAND = {
    "view": "drop it before and create it again after",
    "materialized view": "drop it before and create it again after",
    "rule": "drop it before and create it again after",
    "policy": "drop it before and create it again after",
    "trigger": "drop it before and create it again after",
    "generated": "drop the generated column before and add it again after",
    "partition key": "the type of a partition key cannot change: make the table anew",
    "domain": "make a domain over the V7 type and move its columns to it",
    "domain default": "set the domain's default again with the V7 type",
    "range": "make a range over the V7 type and move its columns to it",
    "attribute": "change the composite type by hand",
    "function": "create it again with the V7 type",
    "procedure": "create it again with the V7 type",
    "aggregate": "create it again with the V7 type",
    "function body": "its body names the old type: create it again with the V7 type",
}
GOES_ALONG = frozenset({"column", "default", "primary key", "unique", "index", "check", "exclusion", "foreign key"})


@dataclass(frozen=True)
class TypeName:
    """The name of a type; a type of the schema public is written without it, as the tracked rows do."""

    schema: str
    name: str

    @property
    def key(self) -> str:
        """``schema.name``, with quotes around a part that holds a dot."""
        return joined(self.schema, self.name)

    @property
    def short(self) -> str:
        """The name without ``public``."""
        return joined(self.name) if self.schema == "public" else self.key

    @property
    def identifier(self) -> sql.Identifier:
        """The name, quoted."""
        return sql.Identifier(self.schema, self.name)


@dataclass(frozen=True)
class Conversion:
    """One type that goes, the type that takes its place, and everything that the scripts must know."""

    source: TypeName
    source_labels: Sequence[str]
    target: TypeName
    target_labels: Sequence[str]
    target_is_new: bool
    added: Sequence[str]
    """Labels that an existing target lacks."""
    mapping: Mapping[str, str]
    columns: Sequence[Mapping[str, Any]]
    """As ``EnumColumn.as_dict``."""
    uses: Sequence[Mapping[str, Any]]
    """As ``Use.as_dict``."""
    head: Sequence[str] = ()
    """Sentences for the head of both scripts."""


def by_hand(conversion: Conversion) -> list[str]:
    """Return what no script changes: the object, and what to do about it."""
    found = []
    for use in conversion.uses:
        kind, where = use["kind"], use["object"] + (f".{use['column']}" if use["column"] else "")
        if kind in GOES_ALONG:
            if _is_rebuilt(conversion, use) and _rewritten(conversion, use["definition"]) is None:
                found.append(f"{kind} {use['name']} of {where}: its expression cannot be rewritten")
            elif kind == "default" and not _holds(conversion, use):
                found.append(f"default of {where}: its expression names the old type")
        else:
            found.append(f"{kind} {where}: {BY_HAND.get(kind, 'look at it by hand')}")
    for column in conversion.columns:
        if not column["inherited"] and (reason := _why_not(column)):
            found.append(f"column {column['schema']}.{column['table']}.{column['column']}: {reason}")
    return list(dict.fromkeys(found))


def _why_not(column: Mapping[str, Any]) -> str:
    if column["generated"]:
        return "it is generated"
    if column["domain"]:
        return f"its type is the domain {column['type']}"
    if column["shape"] == "other":
        return f"the type stands inside {column['type']}"
    return "it belongs to a foreign table" if column["kind"] == "foreign table" else ""


def _holds(conversion: Conversion, use: Mapping[str, Any]) -> bool:
    return any(
        (c["schema"], f"{c['schema']}.{c['table']}", c["column"]) == (use["schema"], use["object"], use["column"])
        for c in conversion.columns
    )


def scripts(conversion: Conversion) -> tuple[str, str]:
    """Return the migration script and the rollback script."""
    return _migration(conversion), _rollback(conversion)


def _migration(c: Conversion) -> str:
    lines = _comments(c, [f"{c.source.key} becomes {c.target.key}.", *c.head, *_losses(c)])
    lines += [
        _text(sql.SQL("ALTER TYPE {} ADD VALUE IF NOT EXISTS {};").format(c.target.identifier, sql.Literal(label)))
        for label in c.added
    ]
    body = [_create(c.target, c.target_labels)] if c.target_is_new else []
    body += _changes(c, c.mapping, c.target, forward=True)
    if body:
        lines += ["BEGIN;", f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}';", *body, "COMMIT;"]
    else:
        lines.append("-- No column holds it: there is nothing to convert.")
    lines.append(
        f"-- The old type stays until this row is retired; then: DROP TYPE {_said(_text(c.source.identifier))};"
    )
    return "\n".join(lines) + "\n"


def _rollback(c: Conversion) -> str:
    lines = _comments(c, [f"Back: {c.source.key} takes the place of {c.target.key} again.", *_not_restored(c)])
    body = _changes(c, inverse(c.mapping), c.source, forward=False)
    lines += ["BEGIN;", f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}';", _create(c.source, c.source_labels), *body]
    if c.target_is_new:
        lines.append(_drop_unused(c.target))
    return "\n".join([*lines, "COMMIT;"]) + "\n"


def _comments(c: Conversion, sentences: Iterable[str]) -> list[str]:
    work = [f"BY HAND: {work}." for work in by_hand(c)]
    return [f"-- {_said(sentence)}" for sentence in (*sentences, *work)]


def _losses(c: Conversion) -> list[str]:
    return [
        f"LOSES INFORMATION: {', '.join(map(repr, labels))} all become {target!r}."
        for target, labels in merged_labels(c.mapping).items()
    ]


def _not_restored(c: Conversion) -> list[str]:
    back = inverse(c.mapping)
    said = [
        f"CANNOT RESTORE: rows that held {', '.join(repr(x) for x in labels if x != back[target])} "
        f"come back as {back[target]!r}, because all became {target!r}."
        for target, labels in merged_labels(c.mapping).items()
    ]
    if c.added:
        said.append(f"The labels added to {c.target.key} stay: PostgreSQL cannot take a label out of a type.")
    unknown = [label for label in c.target_labels if label not in back]
    if unknown:
        said.append(f"It stops if a row holds {', '.join(map(repr, unknown))}: {c.source.key} never had that.")
    return said


def _changes(c: Conversion, mapping: Mapping[str, str], target: TypeName, *, forward: bool) -> list[str]:
    """Return the statements between BEGIN and COMMIT: drop what names the type, cast the columns, make it again."""
    rebuilt = [use for use in c.uses if _is_rebuilt(c, use) and _rewritten(c, use["definition"]) is not None]
    tables: dict[tuple[str, str], list[Mapping[str, Any]]] = defaultdict(list)
    for column in c.columns:
        if not column["inherited"] and not _why_not(column):
            tables[column["schema"], column["table"]].append(column)
    if not tables:
        return []
    lines = [_drop(use) for use in sorted(rebuilt, key=lambda use: use["kind"] != "foreign key")]
    lines += [_alter(c, table, columns, mapping, target, forward) for table, columns in sorted(tables.items())]
    heirs = [column for column in c.columns if column["inherited"] and not _why_not(column)]
    lines += [_inherited_default(c, column, mapping, target, forward) for column in heirs]
    lines += [_make(c, use, forward) for use in sorted(rebuilt, key=lambda use: use["kind"] == "foreign key")]
    return lines


def _alter(
    c: Conversion,
    table: tuple[str, str],
    columns: Iterable[Mapping[str, Any]],
    mapping: Mapping[str, str],
    target: TypeName,
    forward: bool,
) -> str:
    """Return one ALTER TABLE for all columns of a table, so that it is written anew once."""
    actions: list[sql.Composable] = []
    for column in columns:
        name = sql.Identifier(column["column"])
        is_array = column["shape"] == "array"
        actions += [
            sql.SQL("ALTER COLUMN {} DROP DEFAULT").format(name),
            sql.SQL("ALTER COLUMN {} TYPE {}{} USING {}").format(
                name, target.identifier, sql.SQL("[]" if is_array else ""), _cast(name, mapping, target, is_array)
            ),
        ]
        if column["default"] is not None:
            default = _default(c, column, mapping, target, forward)
            actions.append(sql.SQL("ALTER COLUMN {} SET DEFAULT {}").format(name, default))
    what = sql.SQL(",\n    ").join(actions)
    return _text(sql.SQL("ALTER TABLE {}\n    {};").format(sql.Identifier(*table), what))


def _inherited_default(
    c: Conversion, column: Mapping[str, Any], mapping: Mapping[str, str], target: TypeName, forward: bool
) -> str:
    """Return the statement that gives a child table its own default back: the parent's statement changed it."""
    table, name = sql.Identifier(column["schema"], column["table"]), sql.Identifier(column["column"])
    if column["default"] is None:
        return _text(sql.SQL("ALTER TABLE {} ALTER COLUMN {} DROP DEFAULT;").format(table, name))
    default = _default(c, column, mapping, target, forward)
    return _text(sql.SQL("ALTER TABLE {} ALTER COLUMN {} SET DEFAULT {};").format(table, name, default))


def _cast(value: sql.Composable, mapping: Mapping[str, str], target: TypeName, is_array: bool) -> sql.Composable:
    """Return the expression that turns a value of one type into the other, label by label."""
    changed = {label: new for label, new in mapping.items() if label != new}
    if is_array:
        text: sql.Composable = sql.SQL("{}::text[]").format(value)
        for label, new in replacements(mapping):
            text = sql.SQL("array_replace({}, {}, {})").format(text, sql.Literal(label), sql.Literal(new))
        return sql.SQL("{}::{}[]").format(text, target.identifier)
    if not changed:
        return sql.SQL("{}::text::{}").format(value, target.identifier)
    whens = sql.SQL(" ").join(
        sql.SQL("WHEN {} THEN {}").format(sql.Literal(label), sql.Literal(new)) for label, new in changed.items()
    )
    return sql.SQL("(CASE {0}::text {1} ELSE {0}::text END)::{2}").format(value, whens, target.identifier)


def _default(
    c: Conversion, column: Mapping[str, Any], mapping: Mapping[str, str], target: TypeName, forward: bool
) -> sql.Composable:
    """Return a column's default for the other type; one that cannot be rewritten is evaluated and then cast."""
    if not forward:
        return _server(column["default"])
    text = _rewritten(c, column["default"])
    if text is not None:
        return _server(text)
    return _cast(sql.SQL("({})").format(_server(column["default"])), mapping, target, column["shape"] == "array")


def _server(text: str) -> sql.SQL:
    """Take text that the server itself printed as SQL."""
    return sql.SQL(text)


def _is_rebuilt(c: Conversion, use: Mapping[str, Any]) -> bool:
    """Say whether a constraint or an index must be dropped and made again: it names the type, or joins two columns."""
    if not use["definition"] or use["kind"] not in {"check", "exclusion", "index", "foreign key"}:
        return False
    return use["kind"] == "foreign key" or bool(_mention(c.source).search(use["definition"]))


def _drop(use: Mapping[str, Any]) -> str:
    schema, table = _split(use)
    if use["kind"] == "index":
        return _text(sql.SQL("DROP INDEX {};").format(sql.Identifier(schema, use["name"])))
    return _text(
        sql.SQL("ALTER TABLE {} DROP CONSTRAINT {};").format(sql.Identifier(schema, table), sql.Identifier(use["name"]))
    )


def _make(c: Conversion, use: Mapping[str, Any], forward: bool) -> str:
    definition = _rewritten(c, use["definition"]) if forward else use["definition"]
    if use["kind"] == "index":
        return f"{definition};"
    return _text(
        sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} {};").format(
            sql.Identifier(*_split(use)), sql.Identifier(use["name"]), _server(definition or "")
        )
    )


def _split(use: Mapping[str, Any]) -> tuple[str, str]:
    return use["schema"], use["object"].removeprefix(f"{use['schema']}.")


def _mention(name: TypeName) -> re.Pattern[str]:
    """Find the type where the server prints it: qualified, each part quoted where it must be."""
    parts = [f"(?:{re.escape(word)}|{re.escape(_quoted(word))})" for word in (name.schema, name.name)]
    return re.compile(rf'(?<![\w"$]){parts[0]}\.{parts[1]}(?![\w"$])')


def _quoted(word: str) -> str:
    return '"{}"'.format(word.replace('"', '""'))


def _rewritten(c: Conversion, expression: str) -> str | None:
    """Put the V7 type and its labels into an expression that the server printed; None where something is left over."""
    mention = _mention(c.source).pattern
    target = _text(c.target.identifier)

    def literal(match: re.Match[str]) -> str:
        label = match["text"].replace("''", "'")
        label = label.replace("\\\\", "\\") if match["escape"] else label
        if match["array"]:
            return _array_literal(c, label, match.group(), target)
        if label not in c.mapping:
            return match.group()
        return f"{_text(sql.Literal(c.mapping[label]))}::{target}"

    pattern = rf"(?P<escape>E?)'(?P<text>(?:[^']|'')*)'::{mention}(?P<array>\[\])?"
    text = re.sub(pattern, literal, expression)
    return None if _mention(c.source).search(text) else text


def _array_literal(c: Conversion, text: str, whole: str, target: str) -> str:
    """Rewrite ``'{a,b}'::type[]`` where no label in it is quoted; else leave it as it is."""
    labels = text[1:-1].split(",") if text != "{}" else []
    plain = re.fullmatch(r"\{[^{}\"\\]*\}", text) and all(label in c.mapping for label in labels)
    if not plain:
        return whole
    items = sql.SQL(", ").join(sql.Literal(c.mapping[label]) for label in labels)
    return _text(sql.SQL("ARRAY[{}]::{}[]").format(items, _server(target))) if labels else f"'{{}}'::{target}[]"


def _create(name: TypeName, labels: Sequence[str]) -> str:
    """Return the statement that creates a type unless it is there (the catalogs decide, not IF NOT EXISTS)."""
    create = sql.SQL("CREATE TYPE {} AS ENUM ({})").format(
        name.identifier, sql.SQL(", ").join(map(sql.Literal, labels))
    )
    there = sql.SQL(
        "SELECT FROM pg_type AS t JOIN pg_namespace AS n ON n.oid = t.typnamespace "
        "WHERE n.nspname = {} AND t.typname = {}"
    ).format(sql.Literal(name.schema), sql.Literal(name.name))
    return _block(sql.SQL("BEGIN\n    IF NOT EXISTS ({}) THEN\n        {};\n    END IF;\nEND").format(there, create))


def _drop_unused(name: TypeName) -> str:
    drop = sql.SQL("DROP TYPE IF EXISTS {}").format(name.identifier)
    body = "BEGIN\n    {};\nEXCEPTION WHEN dependent_objects_still_exist THEN\n    NULL; -- other columns use it\nEND"
    return _block(sql.SQL(body).format(drop))


def _block(body: sql.Composable) -> str:
    """Return a DO block whose quotes nothing inside it can close."""
    text, tag = _text(body), "$v7$"
    while tag in text:
        tag = f"{tag[:-1]}_$"
    return f"DO {tag}\n{text}\n{tag};"


def _text(part: sql.Composable) -> str:
    return part.as_string(None)


def _said(text: str) -> str:
    """Return text for a comment of one line: what cannot be printed is written as its code point."""
    return "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in text)
