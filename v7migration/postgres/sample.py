"""Representative rows of file_audit for a scratch copy: a spread over the table, and the rows that carry extremes.

Of each column: the smallest, the largest and the longest value, a NULL, and every value of a column that holds few.
A table of up to ``POOL`` rows is read whole; of a larger one a sample of its pages, and besides what its indexes and
the planner's statistics name. The target is only read, in one snapshot, each query within ``PATIENCE``. Where the rows
cannot be read or there are none, rows are made up (:mod:`~v7migration.postgres.synthetic`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from typing import Any

import psycopg
from psycopg import errors, sql

from v7migration.postgres.session import reason_of, set_local
from v7migration.postgres.synthetic import synthesise

Connection = psycopg.Connection[tuple[object, ...]]
Place = tuple[int, str]  # which table or partition, and where in it (ctid)
ROWS = 1_000
POOL = 50_000
FEW = 50
PATIENCE = "3s"
TABLE = sql.Identifier("public", "file_audit")
SAMPLED, SYNTHETIC, NONE = "sampled", "synthetic", "none"


@dataclass
class Sample:
    """What went into the scratch copy's file_audit: ``how`` is ``sampled``, ``synthetic`` or ``none``.

    ``estimate`` counts the target's rows (None: no such table); ``refused`` counts, by the server's reason, the rows
    that a constraint kept out; ``note`` says why rows were made up; ``others`` counts the rows of other tables.
    """

    rows: int = 0
    how: str = NONE
    estimate: int | None = None
    refused: dict[str, int] = field(default_factory=dict)
    note: str = ""
    others: dict[str, int] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return the sample as JSON-able data."""
        return asdict(self)


@dataclass(frozen=True)
class _Column:
    name: str
    sortable: bool
    indexed: bool
    common: list[str]

    @property
    def identifier(self) -> sql.Identifier:
        return sql.Identifier(self.name)


def fill(target: Connection, scratch: Connection, *, rows: int = ROWS) -> Sample:
    """Fill the scratch copy's file_audit with at most ``rows`` rows, references and triggers aside.

    Args:
        target: a session on the target, which is only read.
        scratch: a superuser's session on the scratch copy, which has the schema already.
    """
    found = target.execute("SELECT relkind::text FROM pg_class WHERE oid = to_regclass('public.file_audit')").fetchone()
    if found is None or found[0] not in ("r", "p"):
        return Sample()
    sample = Sample(estimate=0)
    try:
        with _reading(target):
            sample.estimate = _estimate(target)
            lines = list(_lines(target, rows, sample.estimate))
    except (errors.InsufficientPrivilege, errors.QueryCanceled, errors.LockNotAvailable) as error:
        sample.note = f"the rows of the target cannot be read: {reason_of(error)}"
        lines = []
    if lines:
        names = _names(target)
        sample.how, (sample.rows, refused) = SAMPLED, _put(scratch, names, lines)
    else:
        sample.note = sample.note or "file_audit of the target is empty"
        sample.rows, refused = synthesise(scratch)
        sample.how = SYNTHETIC if sample.rows else NONE
    sample.refused = dict(refused)
    return sample


@contextmanager
def _reading(target: Connection) -> Iterator[None]:
    """One snapshot that is read under a short patience, and refused rather than thinned by row-level security."""
    with target.transaction():
        target.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        set_local(target, statement_timeout=PATIENCE, lock_timeout=PATIENCE, row_security="off")
        yield


def _estimate(target: Connection) -> int:
    """Estimate the rows from the statistics; count them, up to twice the pool, where there are none."""
    row = target.execute(
        "SELECT sum(CASE WHEN c.reltuples < 0 THEN NULL ELSE c.reltuples END)::bigint, bool_or(c.reltuples < 0) "
        "FROM pg_class AS c WHERE c.relkind <> 'p' AND (c.oid = 'public.file_audit'::regclass OR c.oid IN "
        "(SELECT relid FROM pg_partition_tree('public.file_audit')))"
    ).fetchone()
    if row and row[0] and not row[1]:
        return int(str(row[0]))
    query = "SELECT count(*) FROM (SELECT FROM {} LIMIT {}) AS beginning"
    counted = target.execute(sql.SQL(query).format(TABLE, 2 * POOL)).fetchone()
    return max(int(str(counted[0])) if counted else 0, int(str(row[0] or 0)) if row else 0)


def some(target: Connection, scratch: Connection, schema: str, name: str, *, rows: int = ROWS) -> int:
    """Copy up to ``rows`` rows of a table into the scratch copy, triggers aside; return how many, 0 if missing."""
    table = sql.Identifier(schema, name)
    columns = _names(target, f'"{schema}"."{name}"')
    if not columns:
        return 0
    chosen = sql.SQL("COPY (SELECT {} FROM {} LIMIT {}) TO STDOUT").format(
        sql.SQL(", ").join(map(sql.Identifier, columns)), table, sql.Literal(rows)
    )
    with _reading(target), target.cursor().copy(chosen) as reading:
        lines = b"".join(bytes(block) for block in reading).splitlines(keepends=True)
    return _put(scratch, columns, lines, table)[0]


def _names(target: Connection, table: str = "public.file_audit") -> list[str]:
    rows = target.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(%s) AND attnum > 0 "
        "AND NOT attisdropped AND attgenerated = '' ORDER BY attnum",
        [table],
    ).fetchall()
    return [str(row[0]) for row in rows]


def _lines(target: Connection, rows: int, estimate: int) -> Iterator[bytes]:
    """Yield the chosen rows as lines of COPY's text format."""
    places = list(dict.fromkeys([*_extremes(target, estimate), *_spread(target, rows, estimate)]))[:rows]
    columns = sql.SQL(", ").join(map(sql.Identifier, _names(target)))
    by_table: dict[int, list[str]] = {}
    for table, ctid in places:
        by_table.setdefault(table, []).append(ctid)
    for table, ctids in by_table.items():
        chosen = sql.SQL(
            "COPY (SELECT {} FROM {} WHERE ctid = ANY(CAST({} AS tid[])) AND tableoid = {}) TO STDOUT"
        ).format(columns, TABLE, sql.Literal("{" + ",".join(f'"{c}"' for c in ctids) + "}"), sql.Literal(table))
        with target.cursor().copy(chosen) as reading:
            yield from b"".join(bytes(block) for block in reading).splitlines(keepends=True)


def _spread(target: Connection, rows: int, estimate: int) -> list[Place]:
    """Choose up to ``rows`` rows evenly over the table."""
    share = sql.Literal(min(100.0, 150.0 * rows / estimate) if estimate else 100.0)
    method = sql.SQL("BERNOULLI" if estimate <= 20 * POOL else "SYSTEM")
    sampled = sql.SQL("SELECT tableoid::bigint, ctid::text FROM {} TABLESAMPLE {} ({}) REPEATABLE (7)")
    beginning = sql.SQL("SELECT tableoid::bigint, ctid::text FROM {} LIMIT {}").format(TABLE, sql.Literal(rows))
    if estimate <= rows:
        return _places(target, beginning)
    found = _places(target, sampled.format(TABLE, method, share))
    if len(found) < rows // 2:  # few pages, or rows that are gone: better some than none
        found += _places(target, beginning)
    stride = max(len(found) / rows, 1)
    return [found[int(number * stride)] for number in range(min(rows, len(found)))]


def _extremes(target: Connection, estimate: int) -> Iterator[Place]:
    """Choose the rows that carry the extremes of each column."""
    large = estimate > POOL
    share = sql.Literal(100.0 * POOL / estimate if large else 100.0)
    source = sql.SQL("{} TABLESAMPLE SYSTEM ({}) REPEATABLE (7)").format(TABLE, share) if large else TABLE
    for column in _columns(target):
        yield from _places(target, _of_pool(column, source))
        if large:
            for query in _of_all(column):
                yield from _places(target, query)


def _of_pool(column: _Column, source: sql.Composable) -> sql.Composed:
    """Smallest, largest, longest, NULL, and each value where there are few, of the rows of ``source``."""
    query = """
        WITH pool AS MATERIALIZED (SELECT tableoid::bigint AS t, ctid::text AS c, {column} AS v FROM {source}),
             few AS (SELECT count(*) <= {few} AS holds FROM (SELECT DISTINCT v::text FROM pool LIMIT {few} + 1) AS d)
        (SELECT t, c FROM pool WHERE v IS NOT NULL ORDER BY {order} LIMIT 1)
        UNION (SELECT t, c FROM pool WHERE v IS NOT NULL ORDER BY {order} DESC LIMIT 1)
        UNION (SELECT t, c FROM pool WHERE v IS NOT NULL ORDER BY octet_length(v::text) DESC LIMIT 1)
        UNION (SELECT t, c FROM pool WHERE v IS NULL LIMIT 1)
        UNION (SELECT t, c FROM (SELECT DISTINCT ON (v::text) t, c FROM pool WHERE (SELECT holds FROM few)) AS each)
    """
    order = sql.SQL("v" if column.sortable else "v::text")
    parts = {"column": column.identifier, "source": source, "few": sql.Literal(FEW), "order": order}
    return sql.SQL(query).format(**parts)


def _of_all(column: _Column) -> Iterator[sql.Composed]:
    """What a page sample of a large table may miss: the ends of an index, a NULL, the values the statistics name."""
    start = sql.SQL("SELECT tableoid::bigint, ctid::text FROM {}").format(TABLE)
    if column.indexed:
        for direction in ("ASC", "DESC"):
            order = sql.SQL(" WHERE {0} IS NOT NULL ORDER BY {0} " + direction + " LIMIT 1").format(column.identifier)
            yield start + order
    yield start + sql.SQL(" WHERE {} IS NULL LIMIT 1").format(column.identifier)
    for value in column.common:
        yield start + sql.SQL(" WHERE {}::text = {} LIMIT 1").format(column.identifier, sql.Literal(value))


def _places(target: Connection, query: sql.Composed) -> list[Place]:
    """Return what a query chooses; nothing where it outlasts the patience or the type cannot be compared."""
    with suppress(errors.QueryCanceled, errors.UndefinedFunction), target.transaction():
        return [(int(str(row[0])), str(row[1])) for row in target.execute(query).fetchall()]
    return []


def _columns(target: Connection) -> list[_Column]:
    rows: list[tuple[Any, ...]] = target.execute(
        """
        SELECT a.attname,
               t.typtype IN ('e', 'r')
               OR (t.typcategory = 'A' AND (SELECT e.typtype IN ('e', 'r') FROM pg_type AS e WHERE e.oid = t.typelem))
               OR EXISTS (SELECT FROM pg_opclass AS o JOIN pg_am AS m ON m.oid = o.opcmethod AND m.amname = 'btree'
                           WHERE o.opcdefault AND o.opcintype IN
                                 (t.oid, t.typbasetype, CASE t.typcategory WHEN 'A' THEN t.typelem END)),
               EXISTS (SELECT FROM pg_index AS i WHERE i.indrelid = a.attrelid AND i.indkey[0] = a.attnum
                          AND i.indisvalid AND i.indpred IS NULL),
               CASE WHEN s.n_distinct BETWEEN 0 AND %s THEN s.most_common_vals::text::text[] END
          FROM pg_attribute AS a
          JOIN pg_type AS t ON t.oid = a.atttypid
          LEFT JOIN pg_stats AS s
            ON s.schemaname = 'public' AND s.tablename = 'file_audit' AND s.attname = a.attname
         WHERE a.attrelid = 'public.file_audit'::regclass AND a.attnum > 0 AND NOT a.attisdropped
         ORDER BY a.attnum
        """,
        [FEW],
    ).fetchall()
    return [_Column(name, bool(sortable), indexed, common or []) for name, sortable, indexed, common in rows]


def _put(
    scratch: Connection, names: Iterable[str], lines: list[bytes], table: sql.Identifier = TABLE
) -> tuple[int, Counter[str]]:
    """Copy lines into the scratch copy; halve what a constraint refuses until only the refused rows are left out."""
    columns = sql.SQL(", ").join(map(sql.Identifier, names))
    copy = sql.SQL("COPY {} ({}) FROM STDIN").format(table, columns)
    refused: Counter[str] = Counter()

    def put(part: list[bytes]) -> int:
        try:
            with scratch.transaction(), scratch.cursor().copy(copy) as writing:
                writing.write(b"".join(part))
        except (psycopg.IntegrityError, psycopg.DataError, psycopg.ProgrammingError) as error:
            if len(part) == 1:
                refused[error.diag.message_primary or reason_of(error)] += 1
                return 0
            half = len(part) // 2
            return put(part[:half]) + put(part[half:])
        return len(part)

    with scratch.transaction():
        set_local(scratch, session_replication_role="replica")
        return put(lines), refused
