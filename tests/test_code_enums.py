"""The enum types of the code, and how they stand to those of the database."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.source_trees import SHOP, surveyed
from v7migration.demo.target import SCRIPT, SOURCE
from v7migration.postgres.enum_groups import EnumType
from v7migration.source.enums import Against, CodeEnum, against, defined_twice
from v7migration.source.survey import survey

STATUS = """
    from enum import Enum
    class Status(Enum):
        OPEN = "open"
        SHUT = "shut"
    """


def enums_of(folder: Path, files: Mapping[str, str | bytes]) -> tuple[CodeEnum, ...]:
    """Return the enums of some files."""
    with surveyed(folder, files) as found:
        return found.enums


def model(column: str, imports: str = "from app.status import Status") -> dict[str, str]:
    """Return a tree with the enum Status and a mapped class of the table orders."""
    return {
        "app/status.py": STATUS,
        "app/order.py": f"import sqlalchemy as sa\n{imports}\nclass Order(Base):\n"
        f'    __tablename__ = "orders"\n    {column}\n',
    }


@pytest.mark.parametrize(
    ("column", "type_name", "stores"),
    [
        ("status = sa.Column(sa.Enum(Status))", "status", "names"),
        ("status = sa.Column(sa.Enum(Status, name='s', values_callable=list))", "s", "values"),
        ("status: Mapped[Status]", "status", "names"),
        ("status: Mapped['Status | None'] = sa.orm.mapped_column()", "status", "names"),
        ("status: Mapped[Status] = sa.orm.mapped_column(sa.Enum(Status, name='s'))", "s", "names"),
    ],
)
def test_a_class_is_bound_to_the_column_that_it_types(tmp_path: Path, column: str, type_name: str, stores: str) -> None:
    (found,) = enums_of(tmp_path, model(column))
    assert [(b.table, b.column, b.type_name, b.stores, b.line) for b in found.bindings] == [
        ("orders", "status", type_name, stores, 5)
    ]


@pytest.mark.parametrize(
    ("imports", "name"),
    [
        ("from app.status import Status as S", "S"),
        ("import app.status", "app.status.Status"),
        ("import app.status as st", "st.Status"),
        ("from app import status", "status.Status"),
        ("from .status import *", "Status"),
        ("from app.again import Renamed", "Renamed"),
        ("from app.again2 import *", "Renamed"),
    ],
)
def test_a_class_is_found_under_every_name_that_it_was_imported_by(tmp_path: Path, imports: str, name: str) -> None:
    files = model(f"status = sa.Column(sa.Enum({name}, name='s'))", imports)
    files |= {"app/again.py": "from .status import Status as Renamed", "app/again2.py": "from app.again import *"}
    (found,) = enums_of(tmp_path, files)
    assert [binding.type_name for binding in found.bindings] == ["s"]


def test_a_type_that_a_variable_holds_is_bound_where_it_is_used(tmp_path: Path) -> None:
    files = model("state = sa.Column(held)", "from app.types import held") | {
        "app/types.py": "import sqlalchemy as sa\nfrom .status import Status\n"
        "held = sa.Enum(Status, name='s', values_callable=list)\n"
    }
    (found,) = enums_of(tmp_path, files)
    assert {(b.table, b.column, b.type_name, b.stores) for b in found.bindings} == {
        ("", "", "s", "values"), ("orders", "state", "s", "values"),
    }  # fmt: skip


def test_an_enum_by_a_base_of_the_tree_is_an_enum(tmp_path: Path) -> None:
    files = {
        "a.py": "import enum\nclass Text(str, enum.Enum):\n    def f(self): ...\nclass Plain: X = 'x'",
        "b.py": "from a import Text, Plain\nclass Kind(Text):\n    A = 'a'\nclass NoEnum(Plain):\n    Y = 'y'\n",
        "c.py": "class Loop(Loop):\n    A = 'a'\nclass P(Q):\n    A = 'a'\nclass Q(P):\n    A = 'a'\n",
    }
    assert [(e.path, e.name, e.values) for e in enums_of(tmp_path, files)] == [("b.py", "Kind", ("a",))]


def test_a_class_that_is_defined_twice_is_named_with_its_values(tmp_path: Path) -> None:
    files = {"a.py": STATUS, "b.py": STATUS, "c.py": STATUS.replace("Status", "StatusEnum").replace("shut", "closed")}
    (found,) = defined_twice(enums_of(tmp_path, files))
    assert (found["name"], found["same_values"]) == ("Status", False)
    assert [(e["path"], e["line"]) for e in found["enums"]] == [("a.py", 3), ("b.py", 3), ("c.py", 3)]
    (tmp_path / "c.py").unlink()
    (same,) = defined_twice(enums_of(tmp_path, {"a.py": STATUS, "b.py": STATUS}))
    assert same["same_values"] is True


def test_classes_of_functions_are_found_and_two_of_one_name_are_two(tmp_path: Path) -> None:
    source = """
        import enum, sqlalchemy as sa
        def one():
            class Level(enum.IntEnum):
                LOW = 1
            return sa.Enum(Level, name="one_level")
        class Service:
            async def two(self):
                class Level(enum.IntEnum):
                    LOW = -1
                return sa.Enum(Level, name="two_level")
        """
    found = enums_of(tmp_path, {"a.py": source})
    assert [(e.line, e.name, [b.type_name for b in e.bindings]) for e in found] == [
        (4, "Level", ["one_level"]),
        (9, "Level", ["two_level"]),
    ]
    (twice,) = defined_twice(found)
    assert twice["same_values"] is False, "the names are equal and the numbers are not"


@pytest.mark.parametrize(
    ("call", "members"),
    [
        ('Enum("X", "A B")', [("A", None), ("B", None)]),
        ('Enum(value="X", names={"A": "a"})', [("A", "a")]),
        ('StrEnum("X", ["A", "B"])', [("A", "a"), ("B", "b")]),
        ('IntEnum("X", WORDS)', [("A", None), ("B", None)]),
        ('Enum("X", [("A", "a"), ("B", 2)], module=__name__)', [("A", "a"), ("B", None)]),
        ('models.TextChoices("X", "A B")', [("A", "A"), ("B", "B")]),
    ],
)
def test_the_functional_way_gives_members(tmp_path: Path, call: str, members: list[tuple[str, str | None]]) -> None:
    head = 'from enum import Enum, IntEnum, StrEnum\nfrom django.db import models\nWORDS = ["A", "B"]\n'
    (found,) = enums_of(tmp_path, {"a.py": f"{head}X = {call}\n"})
    assert (found.kind, found.name, [(m.name, m.value) for m in found.members]) == ("class", "X", members)


def test_labels_and_literals_that_a_name_stands_for_are_read(tmp_path: Path) -> None:
    source = """
        from typing import Literal as L, Optional
        from sqlalchemy.dialects import postgresql
        OPEN = "open"
        STATES = (OPEN, "shut")
        WORDS = ("a", "b")
        one = postgresql.ENUM(*WORDS, *STATES, name="one")
        two = postgresql.ENUM(OPEN, "shut", name="two")
        Small = L["x", None, 1]
        Large = L[Small, L["y", L["z"]]]
        """
    found = {e.name: (e.kind, e.values) for e in enums_of(tmp_path, {"a.py": source})}
    assert found == {
        "one": ("inline", ("a", "b", "open", "shut")),
        "two": ("inline", ("open", "shut")),
        "Small": ("literal", ("x",)),
        "Large": ("literal", ("x", "y", "z")),
    }


def test_what_annotations_stand_for_is_what_their_columns_store(tmp_path: Path) -> None:
    source = """
        import enum, sqlalchemy as sa
        from app.status import Status
        class Kind(enum.Enum):
            A = "a"
        class Base(DeclarativeBase):
            type_annotation_map = {
                Status: sa.Enum(Status, name="state", values_callable=lambda e: [m.value for m in e]),
                enum.Enum: sa.Enum(enum.Enum, native_enum=False),
            }
        class Order(Base):
            __tablename__ = "orders"
            status: Mapped[Status]
            kind: Mapped[Kind | None]
        class Hero(SQLModel, table=True):
            kind: Kind
            friend: Kind = Relationship()
        class Form(SQLModel):
            kind: Kind
        """
    found = {e.name: e for e in enums_of(tmp_path, {"app/status.py": STATUS, "app/order.py": source})}
    assert [(b.table, b.type_name, b.stores, b.native) for b in found["Status"].bindings] == [
        ("orders", "state", "values", True)
    ]
    assert [(b.table, b.column, b.native) for b in found["Kind"].bindings] == [
        ("orders", "kind", False),
        ("hero", "kind", False),
    ]


def compared(folder: Path, files: Mapping[str, str], *types: EnumType) -> Against:
    """Compare the enums of some files with types of a database."""
    return against(types, enums_of(folder, files))


def test_code_and_database_agree_where_values_are_stored(tmp_path: Path) -> None:
    found = compared(tmp_path, SHOP, EnumType("public", "order_status", ("open", "shut")))
    (match,) = found.matches
    assert match.agrees and (match.type, match.by, match.stores) == ("public.order_status", "binding", "values")
    assert match.evidence == ("app/models/order.py:13", "app/models/order.py:6")
    assert (found.only_in_database, found.only_in_code) == ((), ())


def test_names_where_the_database_holds_values_are_a_difference(tmp_path: Path) -> None:
    (match,) = compared(
        tmp_path, model("s = sa.Column(sa.Enum(Status))"), EnumType("public", "status", ("open", "shut"))
    ).matches
    assert (match.only_in_database, match.only_in_code) == (("open", "shut"), ("OPEN", "SHUT"))
    assert "values_callable is missing" in match.notes[0] and not match.agrees


def test_labels_on_one_side_only_are_told(tmp_path: Path) -> None:
    types = EnumType("public", "order_status", ("open", "held")), EnumType("archive", "lonely", ("a", "b"))
    found = compared(tmp_path, SHOP | {"kinds.py": "K = Literal['p', 'q']"}, *types)
    (match,) = found.matches
    assert (match.only_in_database, match.only_in_code) == (("held",), ("shut",))
    assert found.only_in_database == ("archive.lonely",)
    assert [enum.name for enum in found.only_in_code] == ["K"]


@pytest.mark.parametrize(
    ("type_", "by"),
    [
        (EnumType("public", "STATUS_enum", ("open", "other")), "name"),
        (EnumType("public", "unlike", ("OPEN", "SHUT")), "values"),
    ],
)
def test_a_class_without_a_binding_is_matched_by_name_then_by_values(tmp_path: Path, type_: EnumType, by: str) -> None:
    (match,) = compared(tmp_path, {"a.py": STATUS}, type_).matches
    assert match.by == by


def test_a_schema_decides_between_types_of_one_name(tmp_path: Path) -> None:
    types = [EnumType(schema, "s", ("open", "shut")) for schema in ("one", "two")]
    found = compared(tmp_path, model("s = sa.Column(sa.Enum(Status, name='s', schema='two'))"), *types)
    assert [match.type for match in found.matches] == ["two.s"]


def test_a_type_that_is_no_enum_in_the_database_is_not_matched_by_its_binding(tmp_path: Path) -> None:
    files = model("s = sa.Column(sa.Enum(Status, name='s', native_enum=False))")
    assert compared(tmp_path, files, EnumType("public", "s", ("x", "y"))).only_in_database == ("public.s",)


def test_the_trouble_of_the_demo_is_found() -> None:
    sql = SCRIPT.read_text()
    rows = re.findall(r"^CREATE TYPE (\w+)\.\"?(\w+)\"? AS ENUM \(([^)]*)\)", sql, re.MULTILINE)
    types = [EnumType(schema, name, tuple(re.findall(r"'([^']*)'", labels))) for schema, name, labels in rows]
    with survey(SOURCE) as found:
        compared_ = against(types, found.enums)
        twice = {entry["name"]: entry["same_values"] for entry in defined_twice(found.enums)}
    differ = {
        m.type: (m.only_in_database, m.only_in_code) for m in compared_.matches if m.by == "binding" and not m.agrees
    }
    assert differ == {
        "public.CurationStatus": (
            ("NEW", "QUEUED", "PROCESSING", "COMPLETE", "ERROR", "SKIPPED"),
            ("new", "queued", "processing", "complete", "error", "skipped"),
        ),
        "public.alert_severity": (("critical",), ()),
        "public.batch_state": ((), ("Paused",)),
        "public.currency_code": (("CHF",), ()),
        "public.page_processing_status": (("Error",), ()),
        "public.single_search_status": (("Failed",), ()),
        "public.sitemap_import_process_status": ((), ("Paused",)),
    }
    assert twice == {"CurationStatus": True, "SitemapType": False, "TaskStatus": False}
