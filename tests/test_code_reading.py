"""Sources are read without being imported: what they say, what cannot be read, and what is kept of it."""

from __future__ import annotations

import os
import zlib
from collections import deque
from collections.abc import Iterator
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.source_trees import SHOP, facts, write
from v7migration.demo.target import SOURCE
from v7migration.source import cache as caches
from v7migration.source import reading
from v7migration.source.extract import facts_of
from v7migration.source.facts import (
    Alternatives,
    Comparison,
    EnumUse,
    Facts,
    Import,
    Member,
    as_json,
    mentions_from,
    structure_from,
)
from v7migration.source.reading import facts_of_source, read
from v7migration.source.tree import scan


def faults(root: Path, cache: Path | None = None) -> dict[str, str]:
    """Return the faults of a tree by path."""
    with read(scan(root), cache=cache) as found:
        return {fault.path: fault.reason for fault in found.faults}


def test_imports_are_found_wherever_they_stand() -> None:
    found = facts("""
        import a.b as c, d
        from .e import f as g
        from ..h import *
        if TYPE_CHECKING:
            from i import j
        def k():
            import l
            importlib.import_module("m.n")
            __import__("o")
            importlib.import_module(".p", package=__name__)
            importlib.import_module(".q", package=somewhere)
            importlib.import_module(name)
        """).structure.imports
    assert [(i.level * "." + i.module, i.name, i.alias, i.when) for i in found] == [
        ("a.b", "", "c", "module"), ("d", "", "", "module"), (".e", "f", "g", "module"), ("..h", "*", "", "module"),
        ("i", "j", "", "typing"), ("l", "", "", "function"), ("m.n", "", "", "dynamic"), ("o", "", "", "dynamic"),
        (".p", "", "", "dynamic"),
    ]  # fmt: skip
    assert [i.line for i in found] == [2, 2, 3, 4, 6, 8, 9, 10, 11]


def test_enum_classes_keep_names_and_values() -> None:
    found = facts("""
        import enum
        from enum import StrEnum, auto
        from django.db import models
        class A(str, enum.Enum):
            X = "x"
            Y = 1
        class B(StrEnum):
            ONE = auto()
        class C(models.TextChoices):
            NEW = "new", "Brand new"
        D = enum.Enum("D", {"P": "p"})
        E = enum.Enum("E", "Q R")
        """).structure.classes
    assert {c.name: [(m.name, m.value) for m in c.members] for c in found} == {
        "A": [("X", "x"), ("Y", None)], "B": [("ONE", "one")], "C": [("NEW", "new")], "D": [("P", "p")],
        "E": [("Q", None), ("R", None)],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("written", "reference", "labels", "name", "native", "stores"),
    [
        ("sa.Enum(Status)", "Status", (), "status", True, "names"),
        (
            "sa.Enum(Status, name='s', values_callable=lambda e: [m.value for m in e])",
            "Status",
            (),
            "s",
            True,
            "values",
        ),
        ("sa.Enum(Status, values_callable=lambda e: [m.name for m in e])", "Status", (), "status", True, "names"),
        ("sa.Enum(Status, values_callable=values_of)", "Status", (), "status", True, "values"),
        ("sa.Enum(*[m.value for m in Status], name='s')", "Status", (), "s", True, "values"),
        ("sa.Enum('a', 'b', name='s', native_enum=False)", "", ("a", "b"), "s", False, "labels"),
        ("sa.Enum(*('a', 'b'), name='s')", "", ("a", "b"), "s", True, "labels"),
        ("ENUM(models.Status, name='s', create_type=False)", "models.Status", (), "s", True, "names"),
        ("sa.ARRAY(PgEnum('a', name='s'))", "", ("a",), "s", True, "labels"),
    ],
)
def test_sqlalchemy_enums_say_what_they_store(
    written: str, reference: str, labels: tuple[str, ...], name: str, native: bool, stores: str
) -> None:
    found = facts(f"""
        import sqlalchemy as sa
        from sqlalchemy.dialects.postgresql import ENUM
        from sqlalchemy.dialects.postgresql import ENUM as PgEnum
        class Row(Base):
            __tablename__ = "rows"
            kind = sa.Column({written})
        """).structure.enums
    assert found == (EnumUse(7, reference, labels, name, "", native, stores, "", "Row", "kind"),)


def test_tables_and_columns_keep_their_own_names() -> None:
    found = facts("""
        class A(Base):
            __tablename__ = "as"
            __table_args__ = ({"schema": "s"},)
            plain: Mapped[int] = mapped_column()
            only: Mapped["Kind | None"]
            named = mapped_column("other", String)
        class B(SQLModel, table=True):
            kind: Kind = Field(sa_column=Column("k", shared))
        class C(models.Model):
            owner = models.ForeignKey("Person", on_delete=models.CASCADE)
            class Meta:
                db_table = "cs"
        t = Table("ts", metadata, Column("x", Integer), schema="s")
        """).structure
    assert [(c.name, c.schema, c.table) for c in found.classes][:3] == [
        ("A", "s", "as"),
        ("B", "", "b"),
        ("C", "", "cs"),
    ]
    assert [(t.variable, t.name, t.schema) for t in found.tables] == [("t", "ts", "s")]
    assert [(c.owner, c.attribute, c.name) for c in found.columns] == [
        ("A", "plain", "plain"), ("A", "only", "only"), ("A", "named", "other"), ("B", "kind", "k"), ("t", "x", "x"),
    ]  # fmt: skip
    assert next(c.types for c in found.columns if c.name == "k") == ("shared",)


def test_django_columns_are_found_by_their_import() -> None:
    found = facts("""
        from django.db import models
        class C(models.Model):
            owner = models.ForeignKey("Person", on_delete=models.CASCADE)
            kind = models.CharField(db_column="k")
        """).structure.columns
    assert [(c.attribute, c.name) for c in found] == [("owner", "owner_id"), ("kind", "k")]


def test_literal_types_keep_their_name_and_strings() -> None:
    found = facts("""
        Kind = Literal["a", "b"]
        def f(x: typing.Literal["c", 1]) -> None: ...
        """).structure.alternatives
    assert found == (Alternatives("Kind", ("a", "b"), 2), Alternatives("", ("c",), 3))


def test_comparisons_with_strings_are_found_in_every_form() -> None:
    found = facts("""
        def f(row):
            row.status == "a"
            "b" != Order.status
            Order.status.in_(["c"])
            row["status"] in ("d", "e")
            make(status="g")
            match row.kind:
                case "h" | "i": pass
        """).mentions.comparisons
    assert {(c.of, c.value) for c in found} == {
        ("row.status", "a"), ("Order.status", "b"), ("Order.status", "c"), (".status", "d"), (".status", "e"),
        ("status=", "g"), ("row.kind", "h"), ("row.kind", "i"),
    }  # fmt: skip
    assert Comparison("Order.status", "b", 4) in found


def test_strings_keep_their_lines_and_documentation_is_none() -> None:
    long = "a text from somewhere that holds no statement " * 4
    found = facts(f'''
        """SELECT status FROM orders, said in words."""
        SQL = """select
            state from orders"""
        def f(x):
            "more words"
            return f"UPDATE {{x}} SET state = 'open' WHERE {{x.id}}", "y" * 3
        PROSE = "{long}"
        ''').mentions
    assert found.texts == {"select\n    state from orders": [3]}
    assert found.strings == {"UPDATE {} SET state = 'open' WHERE {}": [7], "y": [7]}


def test_names_of_local_variables_are_no_names_but_their_attributes_count() -> None:
    found = facts("""
        from app import Status
        def f(row):
            other = row.status
            return Status.NEW.value, other.kind, Unbound.x, len(row)
        """).mentions
    assert set(found.names) == {"Status.NEW.value", "Unbound.x"}
    assert found.attributes == {"status": [4], "kind": [5]}


def test_what_is_written_to_the_cache_is_what_is_read_back() -> None:
    for path in sorted(SOURCE.rglob("*.py")):
        found = facts_of_source(path.read_bytes())
        assert structure_from(as_json(found.structure)) == found.structure
        assert mentions_from(as_json(found.mentions)) == found.mentions


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"x = (\n", "syntax error in line 1: '(' was never closed"),
        (b"import a\nprint 'x'\n", "syntax error in line 2: Missing parentheses"),
        (b"x = '\0'", "not text: it holds a NUL byte"),
        ("x = 'é'".encode("utf-16"), "not text: it holds a NUL byte"),
        (b"# one\n# two\nx = '\xe9'\n", "line 3 is not UTF-8, and it names no other encoding"),
        (b"# coding: nonsense\nx = 1\n", "not text: unknown encoding"),
        (b"# coding: ascii\nx = '\xe9'\n", "line 2 is not ascii"),
        (b"x = " + b"(" * 5_000 + b")" * 5_000, ""),
        (b"x = " + b"-" * 100_000 + b"1", "nested too deeply"),
        (
            b"x = 1\ntype X = int\n",
            "syntax error in line 2: invalid syntax; it seems to be written for Python 3.12 or later",
        ),
        (b"class A[T]: pass\n", "syntax error in line 1: invalid syntax; it seems to be written for Python 3.12"),
        (b'x = f"{"a"}"\n', "syntax error in line 1: f-string: expecting '}'; it seems to be written for Python 3.12"),
        (
            b"try: pass\nexcept A, B: pass\n",
            "syntax error in line 2: multiple exception types must be parenthesized; it",
        ),
        (b'x = t"a"\n', "syntax error in line 1: invalid syntax; it seems to be written for Python 3.14"),
        (b"raise E, 'x'\n", "syntax error in line 1: invalid syntax; it seems to be written for Python 2"),
        (b"x = " + b"9" * 10_000, "syntax error in line 1: Exceeds the limit"),
        (b"\xff\xfe", "line 1 is not UTF-8"),
    ],
)
def test_a_source_that_cannot_be_parsed_says_why(tmp_path: Path, content: bytes, reason: str) -> None:
    write(tmp_path, {"bad.py": content, "good.py": "import os\n"})
    with read(scan(tmp_path)) as found:
        assert found.paths == ("good.py",)
        (fault,) = found.faults
    assert fault.path == "bad.py" and fault.reason.startswith(reason)


@pytest.mark.parametrize(
    "content", [b"# -*- coding: latin-1 -*-\nx = '\xe9'\n", b"\xef\xbb\xbfx = 1\n", b"", b"\r\r\n\x0c"]
)
def test_other_encodings_and_odd_endings_are_read(tmp_path: Path, content: bytes) -> None:
    assert faults(write(tmp_path, {"a.py": content})) == {}


def test_a_source_that_is_too_large_or_closed_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, {"large.py": "x = 1\n" * 50, "gone.py": "x = 1\n"})
    tree = scan(tmp_path)
    (tmp_path / "gone.py").unlink()
    monkeypatch.setattr(reading, "LARGEST", 100)
    with read(tree) as found:
        assert {f.path: f.reason for f in found.faults} == {
            "large.py": "too large: 300 bytes, and sources up to 100 are read",
            "gone.py": "unreadable: No such file or directory",
        }


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    write(tmp_path, {"pipe.py": "x = 1\n"})
    tree = scan(tmp_path)
    (tmp_path / "pipe.py").unlink()
    os.mkfifo(tmp_path / "pipe.py")
    with read(tree) as found:
        assert [fault.reason for fault in found.faults] == ["no regular file"]


def test_a_second_reading_parses_only_what_changed(tmp_path: Path) -> None:
    root, kept = write(tmp_path / "tree", SHOP), tmp_path / "cache"
    with read(scan(root), cache=kept) as first:
        before = dict(first.structures())
        assert first.parsed == len(SHOP)
    with read(scan(root), cache=kept) as again:
        assert (again.parsed, dict(again.structures())) == (0, before)
    write(root, {"app/ui/panel.py": "import app\n"})
    with read(scan(root), cache=kept) as changed:
        assert changed.parsed == 1
        assert changed.structure("app/ui/panel.py").imports == (Import("app", "", "", 0, 1, "module"),)


def test_faults_of_content_are_kept_too(tmp_path: Path) -> None:
    root, kept = write(tmp_path / "tree", {"bad.py": "x = (\n"}), tmp_path / "cache"
    assert faults(root, cache=kept) == faults(root, cache=kept) != {}


@pytest.mark.parametrize("damage", ["flip", "cut", "version", "garbage", "directory", "pickle"])
def test_a_damaged_cache_is_never_trusted(tmp_path: Path, damage: str) -> None:
    root, kept = write(tmp_path / "tree", SHOP), tmp_path / "cache"
    with read(scan(root), cache=kept) as first:
        before = {path: (first.structure(path), first.mentions(path)) for path in first.paths}
    (path,) = kept.iterdir()
    content = path.read_bytes()
    if damage == "directory":
        path.unlink()
        path.mkdir()
        with pytest.raises(OSError, match=path.name):
            read(scan(root), cache=kept)
        return
    path.write_bytes({
        "flip": content.replace(b"OPEN", b"EVIL").replace(b"order_status", b"other_status"),
        "cut": content[: len(content) // 2],
        "version": content.replace(b'"version": ', b'"version": 9'),
        "garbage": os.urandom(5_000),
        "pickle": b"\x80\x04K\x01.",
    }[damage])  # fmt: skip
    with read(scan(root), cache=kept) as again:
        assert {path: (again.structure(path), again.mentions(path)) for path in again.paths} == before
        assert again.parsed > 0


def test_a_line_that_agrees_with_its_sum_but_is_nonsense_is_read_from_the_source(tmp_path: Path) -> None:
    root, kept = write(tmp_path / "tree", {"a.py": "import os\n"}), tmp_path / "cache"
    with read(scan(root), cache=kept) as first:
        before = first.structure("a.py")
        digest = first._digests["a.py"]
    (path,) = kept.iterdir()
    line = caches.line_of(digest, Facts())
    rest = line[9:-1].replace(b"[[],", b"[[7],")
    path.write_bytes(caches.HEAD + b"%08x " % zlib.crc32(rest) + rest + b"\n")
    with read(scan(root), cache=kept) as again:
        assert (again.parsed, again.structure("a.py")) == (0, before)


def test_many_sources_are_parsed_in_processes_with_the_same_result(tmp_path: Path) -> None:
    files = {f"m{n}.py": f'import m{n + 1}\nx = "{n}"\n' for n in range(reading.FEW + 50)} | {"bad.py": "(\n"}
    with read(scan(write(tmp_path, files))) as found:
        assert found.parsed == len(files) and len(found.paths) == len(files) - 1
        assert found.structure("m7.py").imports == (Import("m8", "", "", 0, 1, "module"),)
        assert [fault.path for fault in found.faults] == ["bad.py"]


def test_a_source_that_ends_its_process_is_a_fault_and_the_rest_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first batch ends its process; read one by one, only the culprit is lost."""
    files = {f"m{n:04}.py": f"import m{n}\n" for n in range(reading.FEW + 100)}
    whole, alone = reading._in_processes, reading._read_one
    failed: list[bool] = []

    def breaks_once(root: Path, batches: deque[list[str]], processes: int) -> Iterator[reading._Read]:
        if not failed:
            failed.append(True)
            raise BrokenProcessPool
        yield from whole(root, batches, processes)

    def kills(root: Path, path: str) -> reading._Read:
        return reading._Read(path, "", b"", "died") if path == "m0007.py" else alone(root, path)

    monkeypatch.setattr(reading, "_in_processes", breaks_once)
    monkeypatch.setattr(reading, "_alone", kills)
    with read(scan(write(tmp_path, files))) as found:
        assert len(found.paths) == len(files) - 1
        assert [(fault.path, fault.reason) for fault in found.faults] == [("m0007.py", "died")]


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_no_bytes_break_the_reader(content: bytes) -> None:
    assert isinstance(facts_of_source(content).fault, str)


MUTABLE = [path.read_text() for path in sorted(SOURCE.rglob("*.py")) if path.stat().st_size > 200]


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_no_mutation_of_a_real_source_breaks_the_reader(data: st.DataObject) -> None:
    text = data.draw(st.sampled_from(MUTABLE))
    start = data.draw(st.integers(0, len(text)))
    length = data.draw(st.integers(0, 20))
    odd = st.sampled_from(
        ["", "(", ")", "[", "*", ".", "=", "Enum", "None", "1", "lambda: ", "\\", '"', "'", "\n", "async "]
    )
    content = (text[:start] + "".join(data.draw(st.lists(odd, max_size=3))) + text[start + length :]).encode()
    found = facts_of_source(content)
    assert structure_from(as_json(found.structure)) == found.structure
    assert mentions_from(as_json(found.mentions)) == found.mentions


def test_members_of_a_class_are_not_shared_with_its_neighbours() -> None:
    one, two = facts("class A(X):\n    P = 'p'\nclass B(A):\n    Q = 'q'\n").structure.classes
    assert (one.members, two.members) == ((Member("P", "p", 2),), (Member("Q", "q", 4),))
    assert facts_of is not None
