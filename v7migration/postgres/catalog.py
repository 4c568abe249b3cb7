"""What is in a database: its identity, a canonical document of its catalogs, its enums and its dependencies.

Everything is read by set-based queries (``v7migration/sql/catalog``), so that a schema of thousands of tables costs
as many round trips as an empty one. Works on PostgreSQL 14 and later, as any role that may connect.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import errors
from psycopg.pq import TransactionStatus
from psycopg.rows import tuple_row

from v7migration.errors import Refused
from v7migration.postgres.canonical import canonical_expression
from v7migration.postgres.enum_groups import EnumType, Use, enum_conflicts, equal_value_groups
from v7migration.postgres.kept import query
from v7migration.postgres.mentions import Places, mentions, search_path

__all__ = [
    "EnumType",
    "TargetIdentity",
    "dependencies",
    "enum_conflicts",
    "enums",
    "equal_value_groups",
    "identity",
    "snapshot",
]

DOCUMENT_FORMAT = 1
OLDEST_MAJOR = 14

_AREAS = (
    *("schemas", "extensions", "relations", "columns", "column_order", "constraints", "indexes", "triggers"),
    *("rules", "policies", "sequences", "functions", "aggregates", "types", "statistics", "event_triggers"),
    *("publications", "subscriptions", "operators", "operator_classes", "casts", "collations", "text_search"),
    *("foreign", "default_privileges", "security_labels"),
)
EXPRESSIONS = frozenset({"definition", "default", "using", "check", "filter", "partition key"})
"""Facts that the server prints from what it keeps as a tree."""
# Settings that change how the server prints names, expressions and constants.
_PINNED_SETTINGS = {
    "search_path": "",
    "quote_all_identifiers": "off",
    "standard_conforming_strings": "on",
    "DateStyle": "ISO, YMD",
    "IntervalStyle": "postgres",
    "TimeZone": "UTC",
    "bytea_output": "hex",
    "extra_float_digits": "1",
    "lc_monetary": "C",
    "statement_timeout": "10min",  # a role's limit is meant for its application's queries
}


@dataclass(frozen=True)
class TargetIdentity:
    """Which database this is. A clone, another server and another database of the server all differ."""

    system_identifier: str
    database: str
    server_version_num: int
    host_label: str


def identity(conn: psycopg.Connection[Any]) -> TargetIdentity:
    """Tell which cluster and database ``conn`` speaks to; ``host_label`` is for people, the rest for comparing.

    Raises ``Refused`` where the role may not read the cluster's identifier.
    """
    try:
        with pinned(conn) as cursor:
            row = cursor.execute(query("inventory/identity")).fetchone()
    except errors.InsufficientPrivilege as error:
        raise Refused(
            "This role may not read the identifier of the database cluster.",
            "As a superuser run in that database: "
            f'GRANT EXECUTE ON FUNCTION pg_control_system() TO "{conn.info.user}";',
        ) from error
    if row is None:
        raise Refused("The server did not tell its identifier.", "Check which server the URL names.")
    socket = conn.info.host.startswith(("/", "@")) or not conn.info.host
    host_label = "local socket" if socket else f"{conn.info.host}:{conn.info.port}"
    return TargetIdentity(row[0], row[1], row[2], host_label)


def snapshot(conn: psycopg.Connection[Any], *, exclude_schemas: Sequence[str] = ("migration_gate",)) -> dict[str, Any]:
    """Read the canonical document of the catalogs: ``{"format", "server", "objects": {"table public.x": facts}}``.

    ``facts`` maps words to strings, numbers, ``True`` or lists; what is unset is absent. Columns, constraints, indexes,
    triggers, rules and policies are in the object's ``parts`` (``{"column id": facts}``). What is in an excluded schema
    is left out, and so are the system's own objects and the members of extensions. Outside a transaction the document
    is one snapshot (REPEATABLE READ READ ONLY); inside the caller's transaction it is what that transaction sees, and
    the transaction's settings and locks are as before. Raises ``Refused`` on servers older than PostgreSQL 14.
    """
    major = conn.info.server_version // 10000
    if major < OLDEST_MAJOR:
        raise Refused(f"The server is PostgreSQL {major}; snapshots need {OLDEST_MAJOR} or later.")
    members = "publication_members" if major > 14 else "publication_members_14"
    objects: dict[str, dict[str, Any]] = {}
    with pinned(conn) as cursor:
        for area in (*_AREAS, members, "privileges"):
            cursor.execute(query(f"catalog/{area}"), {"excluded": list(exclude_schemas)})
            _collect(objects, [column.name for column in cursor.description or ()], cursor)
    return {"format": DOCUMENT_FORMAT, "server": major, "objects": dict(sorted(objects.items()))}


def _collect(objects: dict[str, dict[str, Any]], names: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> None:
    """Enter rows of ``object, part, fact…`` into the document; NULL and false are not facts."""
    facts_named = names[2:]
    for key, part, *values in rows:
        facts = {
            name: canonical_expression(value) if name in EXPRESSIONS else value
            for name, value in zip(facts_named, values, strict=True)
            if value is not None and value is not False
        }
        entry = objects.setdefault(key, {})
        if part is not None:
            entry = entry.setdefault("parts", {}).setdefault(part, {})
        entry.update(facts)


def enums(conn: psycopg.Connection[Any]) -> list[EnumType]:
    """List the enum types, sorted, each with what uses it: columns, defaults, checks, views, functions, indexes.

    ``used_by`` holds entries such as ``public.companies.status``, ``public.companies.status (default)`` and
    ``view public.x``, and ``uses`` the same as facts; both are empty for an unused type.
    """
    with pinned(conn) as cursor:
        types = cursor.execute(query("inventory/enum_types")).fetchall()
        used_by: dict[int, dict[str, Use]] = defaultdict(dict)
        for oid, words, *facts in cursor.execute(query("inventory/enum_usage")):
            used_by[oid][words] = Use(*(fact or "" for fact in facts))
        bodies = cursor.execute(query("inventory/bodies")).fetchall()
    places = Places.of([(schema, name, "type", str(oid)) for schema, name, _, oid in types])
    for _, schema, path, language, body, function in bodies:
        for oid in map(int, mentions(body, places=places, language=language, path=search_path(schema, path))):
            if function not in used_by[oid]:
                used_by[oid][f"{function} (body)"] = Use("function body", function.split(" ", 1)[1])
    return [
        EnumType(
            schema,
            name,
            tuple(labels or ()),
            tuple(sorted(used_by[oid])),
            tuple(use for _, use in sorted(used_by[oid].items())),
        )
        for schema, name, labels, oid in types
    ]


def dependencies(conn: psycopg.Connection[Any]) -> dict[str, list[dict[str, Any]]]:
    """Draw who needs whom: ``{"nodes": [{"id", "kind"}], "edges": [{"from", "to", "kind"}]}``, sorted.

    An id is the quoted name, with its arguments for a routine, so that no two objects share one; a partition's node
    names its table in ``partition_of``. An edge points from the object that needs to the one it needs; its kind is
    ``foreign key``, ``view``, ``rule``, ``function``, ``trigger``, ``policy``, ``inheritance`` (also partitions),
    ``type``, ``sequence`` or ``mentioned`` (a name in a body written as text, where the catalogs record nothing). An
    edge may have ``names`` (of constraints, triggers, columns with a default) and ``columns`` (those that it uses).
    """
    with pinned(conn) as cursor:
        nodes = cursor.execute(query("inventory/dependency_nodes")).fetchall()
        found = cursor.execute(query("inventory/dependency_edges")).fetchall()
        bodies = cursor.execute(query("inventory/bodies")).fetchall()
    ids = {(catalog, oid): node_id for catalog, oid, node_id, *_ in nodes}
    edges: dict[tuple[str, str, str], dict[str, set[str]]] = {}
    for from_catalog, from_oid, to_catalog, to_oid, kind, name, columns in found:
        source, target = ids.get((from_catalog, from_oid)), ids.get((to_catalog, to_oid))
        if source is not None and target is not None:
            entry = edges.setdefault((source, target, kind), {"names": set(), "columns": set()})
            entry["names"].update(filter(None, [name]))
            entry["columns"].update([" → ".join(columns)] if columns and columns[0] else [])
    places = Places.of([(schema, name, catalog, node_id) for catalog, _, node_id, _, _, schema, name in nodes])
    for oid, schema, path, language, body, _ in bodies:
        source = ids.get(("routine", oid))
        for target in mentions(body, places=places, language=language, path=search_path(schema, path)):
            if source is not None and source != target and (source, target, "function") not in edges:
                edges.setdefault((source, target, "mentioned"), {})
    return {"nodes": sorted((_node(row, ids) for row in nodes), key=lambda n: str(n["id"])), "edges": _listed(edges)}


def _node(row: tuple[Any, ...], ids: Mapping[tuple[str, int], str]) -> dict[str, Any]:
    _, _, node_id, kind, parent, schema, _ = row
    node = {"id": node_id, "kind": kind, "schema": schema}
    return node | {"partition_of": ids[("relation", parent)]} if ("relation", parent) in ids else node


def _listed(edges: Mapping[tuple[str, str, str], Mapping[str, set[str]]]) -> list[dict[str, Any]]:
    return [
        {"from": source, "to": target, "kind": kind, **{key: sorted(words) for key, words in facts.items() if words}}
        for (source, target, kind), facts in sorted(edges.items())
    ]


@contextmanager
def pinned(conn: psycopg.Connection[Any]) -> Iterator[psycopg.Cursor[tuple[Any, ...]]]:
    """Lend a cursor that reads under pinned settings, and leave no trace on the connection.

    The settings live in a transaction, or inside the caller's in a savepoint, that is always rolled back: a savepoint
    that is merely released would keep them, and the locks that printing a view takes, until the caller's end.
    """
    own = conn.info.transaction_status == TransactionStatus.IDLE
    with conn.transaction(force_rollback=True):
        with psycopg.Cursor(conn, row_factory=tuple_row) as cursor:
            if own:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            cursor.execute(
                "SELECT set_config(name, value, true) FROM unnest(%s::text[], %s::text[]) AS s (name, value)",
                (list(_PINNED_SETTINGS), list(_PINNED_SETTINGS.values())),
            )
            yield cursor
