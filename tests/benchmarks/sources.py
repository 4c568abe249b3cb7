"""Read 200,000 Python sources, read them again, and load what was found: again against first, storing against COPY."""

from __future__ import annotations

import resource
import shutil
import tempfile
from collections.abc import Iterable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from tests.benchmarks import stages
from tests.benchmarks.measuring import Result, compared, in_turns, limited, seconds
from tests.tracked import GUARDIAN
from tracking.services import files_record
from v7migration.ledger.inventories import keep_inventory
from v7migration.ledger.models import Inventory
from v7migration.pipeline.inventory.file_naming import take_files
from v7migration.pipeline.inventory.source_tree import Sources
from v7migration.postgres.file_audit import AuditRows
from v7migration.source.reading import read
from v7migration.source.survey import survey
from v7migration.source.tree import scan

FILES = 200_000
REPEAT = 3
AGAIN = 0.1
LOADED = 2.0
MEMORY = 1024
IN_A_FOLDER = 40
METHODS = 8
SCRATCH = "scratch"
TYPES = {bool: "boolean", int: "integer", list: "text[]"}
"""What a value of an entry is in a table; anything else is text."""
BOTH = ("public.file_audit", "v7_history.file_history")
Connection = psycopg.Connection[tuple[object, ...]]


def make(root: Path, files: int) -> None:
    """Make a tree of modules of some forty lines: imports, an Enum class in each tenth, a class that uses SQL."""
    for number in range(files):
        package = number // IN_A_FOLDER
        folder = root / f"part{package // 40}" / f"package{package}" / ("services", "models")[number % 2]
        if number % IN_A_FOLDER < 2:
            folder.mkdir(parents=True)
        (folder / f"domain_{number}.py").write_text(_source(number))


def _source(number: int) -> str:
    before = max(0, number - 2)
    place = f"part{before // IN_A_FOLDER // 40}.package{before // IN_A_FOLDER}.{('services', 'models')[before % 2]}"
    lines = ["import enum", "import uuid", f"from {place}.domain_{before} import Domain{before}", "", ""]
    if number % 10 == 0:
        lines += [f"class Status{number}(enum.Enum):", '    NEW = "new"', '    DONE = "done"', "", ""]
    lines += [f"class Domain{number}:", f'    """Domain {number}."""', ""]
    for method in range(METHODS):
        lines += [
            f"    def method_{method}(self, session, key: uuid.UUID) -> int:",
            '        query = "SELECT id, status FROM domains WHERE id = %s AND status <> \'done\'"',
            f"        return len(session.execute(query, [key]).fetchall()) + {number + method}", "",
        ]  # fmt: skip
    return "\n".join(lines)


def read_all(root: Path, cache: Path, parsed: int) -> None:
    """Read a tree with a cache; so many files have to be parsed."""
    with read(scan(root), cache=cache) as reading:
        assert reading.parsed == parsed


def readings(root: Path, turns: int, files: int) -> list[tuple[float, float]]:
    """Time a second reading and the first, in pairs: each first one begins with an empty cache."""
    pairs = []
    for _ in range(turns):
        cache = Path(tempfile.mkdtemp(prefix="v7-cache-"))
        try:
            first = seconds(partial(read_all, root, cache, files))
            pairs.append((seconds(partial(read_all, root, cache, 0)), first))
        finally:
            shutil.rmtree(cache)
    return pairs


def found_in(root: Path) -> dict[str, Any]:
    """Take the inventory of the tree's files and return its document."""
    with ExitStack() as stack:
        tree = Sources(stack.enter_context(survey(root)), AuditRows(()), ())
        return take_files(tree, snapshot=None, actor=None)


def stored(document: dict[str, Any], turns: int) -> list[tuple[float, float]]:
    """Time storing what was found, as the product does, and a COPY of its entries into a plain table for each list."""
    lists = {name: value for name, value in document.items() if isinstance(value, list) and value}
    keep = partial(keep_inventory, part=Inventory.Part.FILES, subject="", snapshot=None, taken_by="")
    with stages.superuser("v7_control") as connection:
        connection.execute(f"CREATE SCHEMA {SCRATCH}".encode())
        for name, entries in lists.items():
            columns = sql.SQL(", ").join(
                sql.SQL("{} {}").format(sql.Identifier(column), sql.SQL(kind)) for column, kind in _columns(entries)
            )
            connection.execute(sql.SQL("CREATE TABLE {} ({})").format(sql.Identifier(SCRATCH, name), columns))
        copy = partial(_copy_lists, connection, lists)
        return in_turns(turns, partial(keep, document=lists), copy)


def _columns(entries: list[Any]) -> list[tuple[str, str]]:
    """Return the columns of a table that holds the entries of a list: names, or objects of the same keys."""
    if not isinstance(entries[0], dict):
        return [("path", "text")]
    kinds = {}
    for key in entries[0]:
        value = next((entry[key] for entry in entries if entry[key] is not None), None)
        kinds[key] = TYPES.get(type(value), "text")
    return list(kinds.items())


def _row(entry: Any) -> tuple[Any, ...]:
    return tuple(entry.values()) if isinstance(entry, dict) else (entry,)


def _copy(connection: Connection, table: sql.Identifier, rows: Iterable[tuple[Any, ...]]) -> None:
    with connection.cursor() as cursor, cursor.copy(sql.SQL("COPY {} FROM STDIN").format(table)) as copy:
        for row in rows:
            copy.write_row(row)


def _copy_lists(connection: Connection, lists: dict[str, list[Any]]) -> None:
    """Copy the entries of each list into its table, in one transaction."""
    with connection.transaction():
        for name, entries in lists.items():
            _copy(connection, sql.Identifier(SCRATCH, name), map(_row, entries))


def recorded(turns: int) -> list[tuple[float, float]]:
    """Time writing five values and a version of each file of file_audit, and a COPY of the same rows of both tables."""
    pairs = []
    with stages.superuser() as connection:
        connection.execute(f"CREATE SCHEMA {SCRATCH}".encode())
        keys = [int(str(key)) for (key,) in connection.execute("SELECT id FROM file_audit").fetchall()]
        for turn in range(turns):
            values = {key: _values(key, turn) for key in keys}
            connection.execute("CHECKPOINT")
            ours = seconds(partial(_record, values))
            pairs.append((ours, _copied(connection, len(keys))))
    return pairs


def _record(values: dict[int, dict[str, Any]]) -> None:
    changed = files_record(values=values, actor=GUARDIAN, reason="benchmark")
    assert changed == len(values)


def _values(key: int, turn: int) -> dict[str, Any]:
    return {
        "v7_target_name": f"WF{key % 9}_V7_L{key % 7}_1of1_Module{key}.py",
        "v7_dependencies": [f"src/generated/part_{(key + n) % 997}/module_{key + n}.py" for n in range(3)],
        "v7_dependents": [f"src/generated/part_{(key - n) % 997}/module_{key - n}.py" for n in range(3)],
        "v7_database_enums": ["public.domain_status"] if key % 5 == turn % 5 else [f"public.type_{turn}"],
        "v7_impact_score": 1 + (key + turn) % 10,
    }


def _copied(connection: Connection, rows: int) -> float:
    """Copy what was recorded into empty tables of the same columns, indexes and checks; return the seconds of it."""
    took = 0.0
    for source in BOTH:
        copy = sql.Identifier(SCRATCH, source.rpartition(".")[2])
        connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(copy))
        connection.execute(sql.SQL("CREATE TABLE {} (LIKE {} INCLUDING ALL)").format(copy, sql.SQL(source)))
        order = "history_date DESC" if "history" in source else "id"
        out = sql.SQL(f"COPY (SELECT * FROM {source} ORDER BY {order} LIMIT {rows}) TO STDOUT")
        with connection.cursor() as cursor, cursor.copy(out) as taken:
            pieces = [bytes(piece) for piece in taken]
        connection.execute("CHECKPOINT")
        took += seconds(partial(_write, connection, copy, pieces))
    return took


def _write(connection: Connection, table: sql.Identifier, pieces: list[bytes]) -> None:
    with connection.cursor() as cursor, cursor.copy(sql.SQL("COPY {} FROM STDIN").format(table)) as copy:
        for piece in pieces:
            copy.write(piece)


def measure(*, rows: int | None, repeat: int | None) -> Result:
    """Make the tree and measure; how many files were parsed, stored and recorded is compared with what was made."""
    files, turns = min(rows or FILES, FILES), repeat or REPEAT
    _, executed = stages.stage("executed", rows=files)
    root = Path(tempfile.mkdtemp(prefix="v7-sources-"))
    try:
        make(root, files)
        again = readings(root, turns, files)
        document = found_in(root)
    finally:
        shutil.rmtree(root)
    assert document["totals"]["files"] == files
    kept = stored(document, turns)
    del document
    told = recorded(turns)
    executed.forget()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Result(
        name="sources", title="Read sources again and load what was found", peer="the first reading; COPY",
        rows=[
            compared(f"{files:,} files read again, by content, against the first time", again, aim=AGAIN, unit="s"),
            compared("what was found stored, against COPY of the same entries", kept, aim=LOADED),
            compared("recorded in file_audit, a version each, against COPY of both", told, aim=None, unit="s"),
            limited("memory at its highest", [memory], aim=MEMORY, measures="MB", unit="MB"),
        ],
        settings={"files": files},
        figures={"again": again, "stored": kept, "recorded": told},
    )  # fmt: skip
