"""Rows that are made up for an empty or unreadable file_audit: they fit types, NOT NULL and, where it can be, CHECK.

Each column has candidates: the constants that its checks and partition bounds mention, then values of its type. A row
that a constraint refuses is tried again with other candidates for that constraint's columns; what stays refused is
counted with the server's reason.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import psycopg
from psycopg import errors, sql

Connection = psycopg.Connection[tuple[object, ...]]
ROWS = 50
TRIES = 40
TABLE = sql.Identifier("public", "file_audit")
STRING = re.compile(r"'((?:[^']|'')*)'")
NUMBER = re.compile(r"(?<![\w.'])-?\d+(?:\.\d+)?(?![\w'])")
DOCUMENTS = ["{}", "[]", '""', "0", "true", "null"]
FIRST_DAY = date(2000, 1, 1)

BY_TYPE: dict[str, Callable[[int], str]] = {
    "bool": lambda n: "true" if n % 2 else "false",
    "date": lambda n: (FIRST_DAY + timedelta(days=n)).isoformat(),
    "timestamp": lambda n: (FIRST_DAY + timedelta(days=n)).isoformat(),
    "timestamptz": lambda n: f"{FIRST_DAY + timedelta(days=n)} 00:00+00",
    "time": lambda n: f"{n % 24:02}:00",
    "timetz": lambda n: f"{n % 24:02}:00+00",
    "interval": lambda n: f"{n} days",
    "uuid": lambda n: str(UUID(int=n)),
    "json": lambda n: "{}",
    "jsonb": lambda n: "{}",
    "bytea": lambda n: f"\\x{n:08x}",
    "inet": lambda n: f"10.0.{n // 256}.{n % 256}",
    "cidr": lambda n: f"10.{n // 256}.{n % 256}.0/24",
    "macaddr": lambda n: f"00:00:00:00:{n // 256:02x}:{n % 256:02x}",
    "point": lambda n: f"({n},{n})",
    "xml": lambda n: "<a/>",
    "tsvector": lambda n: "",
}
BY_CATEGORY: dict[str, Callable[[int], str]] = {
    "N": str,
    "A": lambda n: "{}",
    "R": lambda n: "empty",
}


@dataclass
class _Column:
    """A column, its candidates, and how far they were passed over."""

    name: str
    needed: bool
    base: str
    category: str
    length: int
    labels: list[str]
    mentioned: list[str]
    passed: int = 0

    def value(self, number: int, *, full: bool) -> str | None:
        """The value for one row; None is NULL."""
        if not (full or self.needed or self.mentioned):
            return None
        own = self.labels[number % len(self.labels)] if self.labels else self._of_type(number)
        candidates = [*self.mentioned, own]
        if self.category == "A":
            candidates = [*("{" + _element(word) + "}" for word in self.mentioned), own]
        if not self.needed:
            candidates.append(None)
        return candidates[((number if self.mentioned else 0) + self.passed) % len(candidates)]

    def _of_type(self, number: int) -> str | None:
        if make := BY_TYPE.get(self.base) or BY_CATEGORY.get(self.category):
            return make(number)
        if self.category == "S":
            text = f"{self.name} {number}"
            return text if not self.length or len(text) <= self.length else f"{number:04}"[-self.length :]
        return None


def _element(word: str) -> str:
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'


def synthesise(scratch: Connection, *, rows: int = ROWS) -> tuple[int, Counter[str]]:
    """Make up ``rows`` rows of file_audit; return how many went in, and the refused ones by the server's reason.

    Args:
        scratch: a superuser's session on the scratch copy; references and triggers are not asked.
    """
    columns = _columns(scratch)
    by_constraint = _constraints(scratch)
    went_in, refused = 0, Counter[str]()
    with scratch.transaction():
        scratch.execute("SET LOCAL session_replication_role = replica")
        for number in range(1, rows + 1):
            reason = _row(scratch, columns, by_constraint, number)
            went_in += not reason
            if reason:
                refused[reason] += 1
            if refused.total() >= 3 and not went_in:
                break  # nothing fits: three refusals tell as much as fifty
    return went_in, refused


def _row(scratch: Connection, columns: list[_Column], by_constraint: dict[str, list[str]], number: int) -> str:
    """Insert one row; return why it was refused in the end, or ''."""
    reason, full = "", bool(number % 2)
    for _ in range(TRIES):
        try:
            with scratch.transaction():
                scratch.execute(_insert(columns, number, full=full))
        except psycopg.Error as error:
            reason = error.diag.message_primary or str(error)
            if not _pass_over(columns, by_constraint, error) and not full:
                return reason
            full = full and isinstance(error, errors.CheckViolation | errors.UniqueViolation)
        else:
            return ""
    return reason


def _pass_over(columns: list[_Column], by_constraint: dict[str, list[str]], error: psycopg.Error) -> bool:
    """Move on in the candidates of the columns that the refusing constraint reads; say whether there are any."""
    constraint, column = error.diag.constraint_name or "", error.diag.column_name
    names = [column] if column else by_constraint.get(constraint, [])
    chosen = [c for c in columns if c.name in names and (c.mentioned or not c.needed)]
    for turn, entry in enumerate(chosen):
        entry.passed += 1
        if turn == 0 and entry.passed % (len(entry.mentioned) + 2):
            break  # the first column goes through its candidates before the next one moves
    return bool(chosen)


def _insert(columns: list[_Column], number: int, *, full: bool) -> sql.Composed:
    if not columns:
        return sql.SQL("INSERT INTO {} DEFAULT VALUES").format(TABLE)
    names = sql.SQL(", ").join(sql.Identifier(column.name) for column in columns)
    values = sql.SQL(", ").join(sql.Literal(column.value(number, full=full)) for column in columns)
    return sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(TABLE, names, values)


def _columns(scratch: Connection) -> list[_Column]:
    """The columns that need a value: neither generated nor filled by the server itself."""
    rows: list[tuple[Any, ...]] = scratch.execute(
        """
        SELECT a.attname, a.attnotnull OR t.typnotnull, b.typname, b.typcategory::text,
               COALESCE(information_schema._pg_char_max_length(b.oid, CASE WHEN t.typtype = 'd' THEN t.typtypmod
                        ELSE a.atttypmod END), 0),
               ARRAY(SELECT e.enumlabel FROM pg_enum AS e WHERE e.enumtypid = b.oid ORDER BY e.enumsortorder),
               ARRAY(SELECT pg_get_constraintdef(k.oid) FROM pg_constraint AS k
                      WHERE k.contype = 'c' AND (k.contypid = t.oid
                            OR (k.conrelid = a.attrelid AND a.attnum = ANY(k.conkey))))
               || ARRAY(SELECT pg_get_expr(c.relpartbound, c.oid)
                       FROM pg_partition_tree(a.attrelid) AS p JOIN pg_class AS c ON c.oid = p.relid
                      WHERE c.relpartbound IS NOT NULL AND EXISTS (
                            SELECT FROM pg_partitioned_table AS y
                             WHERE y.partrelid = p.parentrelid AND a.attnum = ANY(y.partattrs::int2[]))),
               format_type(CASE WHEN b.typelem <> 0 AND b.typcategory = 'A' THEN b.typelem ELSE b.oid END, NULL)
          FROM pg_attribute AS a
          JOIN pg_type AS t ON t.oid = a.atttypid
          JOIN pg_type AS b ON b.oid = CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END
         WHERE a.attrelid = 'public.file_audit'::regclass AND a.attnum > 0 AND NOT a.attisdropped
           AND a.attgenerated = '' AND a.attidentity = '' AND NOT (a.atthasdef AND a.attnotnull AND EXISTS (
               SELECT FROM pg_attrdef AS d WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum
                  AND pg_get_expr(d.adbin, d.adrelid) ~ '^nextval'))
         ORDER BY a.attnum
        """
    ).fetchall()
    return [
        _Column(name, needed, base, category, length, labels, _fitting(scratch, written, length, texts, base, category))
        for name, needed, base, category, length, labels, texts, written in rows
    ]


def _fitting(scratch: Connection, written: str, length: int, texts: list[str], base: str, category: str) -> list[str]:
    """Keep of what checks and bounds mention the words that the server takes for a value of the type."""
    found = []
    for word in _mentioned(base, category, texts):
        if length and len(word) > length:
            continue
        with suppress(psycopg.DataError), scratch.transaction():
            type_ = sql.SQL(written)  # written by the server itself (format_type)
            scratch.execute(sql.SQL("SELECT CAST({} AS {})").format(sql.Literal(word), type_))
            found.append(word)
    return found


def _mentioned(base: str, category: str, texts: list[str]) -> list[str]:
    """The constants that checks and bounds mention: numbers for numbers, else strings; of JSON one of each kind."""
    text = " ".join(texts)
    if base in ("json", "jsonb"):
        return DOCUMENTS if text else []
    strings = [match.replace("''", "'") for match in STRING.findall(text)]
    numbers = NUMBER.findall(STRING.sub("''", text))
    found = [*strings, *numbers] if category == "N" else strings
    return list(dict.fromkeys(found))


def _constraints(scratch: Connection) -> dict[str, list[str]]:
    """The columns that each constraint of file_audit reads; '' stands for the partition key."""
    rows: list[tuple[Any, ...]] = scratch.execute(
        """
        SELECT k.conname, a.attname FROM pg_constraint AS k
          JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = ANY(k.conkey)
         WHERE k.conrelid = 'public.file_audit'::regclass
        UNION
        SELECT k.conname, a.attname FROM pg_attribute AS a JOIN pg_constraint AS k ON k.contypid = a.atttypid
         WHERE a.attrelid = 'public.file_audit'::regclass AND NOT a.attisdropped
        UNION
        SELECT '', a.attname FROM pg_partitioned_table AS y
          JOIN pg_attribute AS a ON a.attrelid = y.partrelid AND a.attnum = ANY(y.partattrs::int2[])
         WHERE y.partrelid = 'public.file_audit'::regclass
        """
    ).fetchall()
    found: dict[str, list[str]] = {}
    for constraint, column in rows:
        found.setdefault(constraint, []).append(column)
    return found
