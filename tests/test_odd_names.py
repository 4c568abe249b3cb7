"""Names that hold dots and quotes: no two objects share a key, and each name is taken apart as it was put together."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracking.models import EnumMigration
from v7migration.pipeline.consolidation import change_of
from v7migration.postgres import script as scripts
from v7migration.postgres.enum_conversion import TypeName
from v7migration.postgres.enum_groups import EnumType, equal_value_groups
from v7migration.postgres.qualified import holder, joined, last, parts_of

PARTS = st.lists(st.text(alphabet='ab."', min_size=1, max_size=4), min_size=1, max_size=3)


@settings(deadline=None)
@given(PARTS)
def test_a_name_is_taken_apart_as_it_was_put_together(parts: list[str]) -> None:
    assert parts_of(joined(*parts)) == parts
    assert (holder(joined(*parts)), last(joined(*parts))) == (joined(*parts[:-1]), parts[-1])


@pytest.mark.parametrize("name", ["", ".", '"', 'a."b', '"a"b.c', "a..b"])
def test_whatever_people_write_is_taken_apart_somehow(name: str) -> None:
    assert isinstance(last(name), str) and isinstance(holder(name), str)


def test_types_whose_names_hold_dots_are_two() -> None:
    one, other = EnumType("a.b", "c", ("x", "y")), EnumType("a", "b.c", ("x", "y"))
    assert (one.key, other.key) == ('"a.b".c', 'a."b.c"')
    assert equal_value_groups([one, other])[0]["types"] == ['"a.b".c', 'a."b.c"']
    assert (TypeName("public", "b.c").short, TypeName("public", "c").short) == ('"b.c"', "c")


@pytest.mark.parametrize(
    ("name", "schema", "bare"),
    [("status", "", "status"), ("shop.status", "shop", "status"), ('"my.status"', "", "my.status"),
     ('"a.b".c', "a.b", "c"), ('a."b.c"', "a", "b.c")],
)  # fmt: skip
def test_a_change_knows_schema_and_name_of_a_type(name: str, schema: str, bare: str) -> None:
    row = EnumMigration(
        current_enum_name=name, v7_enum_name='v7."new.name"', current_enum_values=["x"], v7_enum_values=["x"],
        affected_columns={'shop."old.orders"': ["state"], "pages": ["state"]},
    )  # fmt: skip
    change = change_of(row)
    assert (change.schema, change.name, change.renamed) == (schema, bare, "new.name")
    assert change.columns == (("old.orders", "state"), ("pages", "state"))


def test_tables_whose_names_hold_dots_are_two_in_a_review() -> None:
    made = '-- Section 1: a\nCREATE TABLE "a.b".c (id int PRIMARY KEY);\n-- Section 9: Rollback\n/*\n{}\n*/\n'
    other, same = (made.format(f"DROP TABLE IF EXISTS {name};") for name in ('a."b.c"', '"a.b".c'))
    assert {"V7S052", "V7S057"} <= {p.id for p in scripts.problems_of(other.encode(), None)}
    assert not {"V7S052", "V7S057"} & {p.id for p in scripts.problems_of(same.encode(), None)}


def _steps(count: int, back: list[str]) -> bytes:
    made = "\n".join(f"CREATE TABLE t{n} (id int);\nCREATE VIEW v{n} AS SELECT id FROM t{n};" for n in range(count))
    return f"-- Section 1: a\n{made}\n-- Section 9: Rollback\n/*\n{chr(10).join(back)}\n*/\n".encode()


def test_each_drop_out_of_order_is_told_among_many() -> None:
    back = [f"DROP VIEW IF EXISTS v{n};\nDROP TABLE IF EXISTS t{n};" for n in range(300)]
    back[7] = "DROP TABLE IF EXISTS t7;\nDROP VIEW IF EXISTS v7;"
    told = [p.message for p in scripts.problems_of(_steps(300, back), None) if p.id == "V7S053"]
    assert told == ["the rollback drops the table t7 before the view v7 that uses it"]


@pytest.mark.parametrize(("value", "told"), [("'x'", False), ("now()", True)])
def test_the_last_row_of_a_long_list_of_values_counts(value: str, told: bool) -> None:
    rows = ",".join(f"({n}, 'x')" for n in range(500))
    insert = f"INSERT INTO t (id, x) VALUES {rows}, (500, {value});"
    sql = f"CREATE TABLE t (id int, x text PRIMARY KEY);\n{insert}"
    assert any(p.id == "V7S303" for p in scripts.problems_of(sql.encode(), None)) == told
