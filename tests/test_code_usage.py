"""Which lines of the code a proposed change touches, how surely, and which of them it breaks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.source_trees import SHOP, surveyed
from v7migration.demo.target import SOURCE
from v7migration.source import usage as usages_
from v7migration.source.changes import Change, Usage
from v7migration.source.survey import survey
from v7migration.source.usage import counted, usages

MERGE = Change(
    "1", "enum", "order_status", "", "status", ("open", "shut", "held"), ("OPEN", "shut"), (("orders", "state"),)
)
MODELS = {name: text for name, text in SHOP.items() if "models" in name}


def usage_of(folder: Path, files: Mapping[str, str | bytes], change: Change) -> Usage:
    """Return what a change touches in some files."""
    with surveyed(folder, files) as found:
        (usage,) = usages([change], names=found.names, graph=found.graph, enums=found.enums)
    return usage


def lines_of(usage: Usage, path: str) -> dict[int, tuple[str, bool]]:
    """Return confidence and breaking of each line of a file that is touched."""
    return {touch.line: (touch.confidence, touch.breaking) for touch in usage.files.get(path, [])}


def touched(folder: Path, text: str, change: Change = MERGE) -> dict[int, tuple[str, bool]]:
    """Return the touched lines of a file beside the models of the shop."""
    return lines_of(usage_of(folder, MODELS | {"app/use.py": text}, change), "app/use.py")


def test_a_change_of_an_enum_touches_class_members_binding_and_uses(tmp_path: Path) -> None:
    usage = usage_of(tmp_path, SHOP, MERGE)
    assert lines_of(usage, "app/models/order.py") == {
        6: ("certain", False), 7: ("certain", True), 13: ("certain", True)
    }  # fmt: skip
    assert lines_of(usage, "app/models/__init__.py") == {1: ("certain", False)}
    assert lines_of(usage, "app/services/orders.py") == {
        3: ("certain", False), 6: ("certain", True), 7: ("likely", True), 8: ("certain", False)
    }  # fmt: skip
    assert lines_of(usage, "app/ui/panel.py") == {1: ("possible", True)}
    assert counted(usage) == {"certain": 7, "likely": 1, "possible": 1, "breaking": 5}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("Order.status == 'open'", ("certain", True)),
        ("Order.status == 'shut'", ("certain", False)),
        ("Order.status.in_(['shut', 'open'])", ("certain", True)),
        ("Status('open') if Status.OPEN == 'open' else 0", ("certain", True)),
        ("Status.OPEN", ("certain", False)),
        ("row().status == 'open'", ("likely", True)),
        ("row.other == 'open'", ("possible", True)),
        ("row['state'] == 'open'", ("likely", True)),
        ("find(status='open')", ("likely", True)),
        ("print('open')", ("possible", True)),
        ("print('shut')", ("possible", False)),
        ("run('UPDATE orders SET state = $1')", ("likely", False)),
        ("run('SELECT $1::order_status')", ("likely", True)),
        ("run(f'SELECT * FROM {x} WHERE kind::order_status = 1')", ("likely", True)),
        ("run('SELECT id FROM orders')", ("possible", False)),
        ("run('x::order_status')", ("likely", True)),
        ("run(f\"UPDATE {x} SET {find} = 'open'\")", ("possible", True)),
        ("run(f\"UPDATE orders SET {find} = 'open'\")", ("possible", True)),
        ("run(\"UPDATE doors SET state = 'open'\")", None),
        ("run('''SELECT 'open' FROM orders WHERE state IS NULL''')", ("likely", True)),
        ("run('SELECT id FROM \"Orders\"')", None),
        ("run('SELECT id FROM reorders WHERE restate')", None),
        ("print('openly')", None),
        ("row.status_code == 'x'", None),
    ],
)
def test_a_line_is_as_sure_as_what_it_names(tmp_path: Path, line: str, expected: tuple[str, bool] | None) -> None:
    text = f"from app.models import Order, Status\ndef f(row, run, find, x):\n    {line}\n    return Order, Status\n"
    assert touched(tmp_path, text).get(3) == expected


def test_a_member_whose_value_is_dropped_breaks_where_it_is_used(tmp_path: Path) -> None:
    files = MODELS | {
        "app/models/order.py": str(MODELS["app/models/order.py"]).replace(
            'SHUT = "shut"', 'SHUT = "shut"\n            HELD = "held"'
        ),
        "app/use.py": "from app.models import Status\nprint(Status.HELD)\nprint(Status.OPEN)\n",
    }
    usage = usage_of(tmp_path, files, MERGE)
    assert lines_of(usage, "app/use.py") == {1: ("certain", False), 2: ("certain", True), 3: ("certain", False)}
    assert "'held' is dropped" in usage.files["app/use.py"][1].what


def test_the_lines_of_a_statement_are_those_of_the_source(tmp_path: Path) -> None:
    text = 'run("""\n    SELECT id\n    FROM orders\n    WHERE state = \'open\'\n    AND x = y\n""")\n'
    assert touched(tmp_path, text) == {3: ("likely", False), 4: ("likely", True)}


def test_an_attribute_without_its_model_is_only_possible_and_a_common_name_is_none(tmp_path: Path) -> None:
    text = "def f(row):\n    return row.status\n"
    assert touched(tmp_path, text) == {2: ("possible", False)}
    other = MODELS | {"app/other.py": 'class O(Base):\n    __tablename__ = "os"\n    status = Column(String)\n'}
    assert lines_of(usage_of(tmp_path, other | {"app/use.py": text}, MERGE), "app/use.py") == {}


def test_strings_of_another_type_that_is_bound_are_not_possibly_this_one(tmp_path: Path) -> None:
    doors = """
        from enum import Enum
        import sqlalchemy as sa
        class Door(Enum):
            OPEN = "open"
        class Room(Base):
            __tablename__ = "rooms"
            door = sa.Column(sa.Enum(Door, name="door", values_callable=list))
        def f(): return Door.OPEN.value == "open"
        """
    assert touched(tmp_path, doors) == {}
    assert touched(tmp_path, doors.replace("sa.Column(", "wrap(").replace("sa.Enum", "Other")) != {}


def test_a_class_of_the_types_name_or_values_is_a_likely_relative(tmp_path: Path) -> None:
    text = "from enum import Enum\nclass OrderStatusEnum(Enum):\n    OPEN = 'open'\n    SHUT = 'shut'\n"
    assert touched(tmp_path, text)[2] == ("likely", False)
    assert touched(tmp_path, text)[3] == ("likely", True)


def test_a_literal_type_with_the_same_values_is_found(tmp_path: Path) -> None:
    text = "from typing import Literal\nState = Literal['open', 'shut', 'held']\ndef f(x: State): ...\n"
    assert touched(tmp_path, text) == {2: ("likely", True), 3: ("likely", False)}


def test_a_table_that_is_renamed_breaks_its_model_and_sql(tmp_path: Path) -> None:
    change = Change("1", "table", "orders", renamed="purchases")
    usage = usage_of(tmp_path, SHOP | {"app/fk.py": 'x = ForeignKey("orders.id"), relationship("Order")'}, change)
    assert lines_of(usage, "app/models/order.py") == {10: ("certain", True), 11: ("likely", True)}
    assert lines_of(usage, "app/services/orders.py") == {
        3: ("certain", False), 6: ("certain", False), 7: ("likely", True)
    }  # fmt: skip
    assert lines_of(usage, "app/fk.py") == {1: ("likely", True)}


def test_a_column_that_is_renamed_breaks_its_declaration_attributes_and_sql(tmp_path: Path) -> None:
    change = Change("1", "column", "orders", renamed="status", columns=(("orders", "state"),))
    usage = usage_of(tmp_path, SHOP, change)
    assert lines_of(usage, "app/models/order.py") == {13: ("certain", True)}
    assert lines_of(usage, "app/services/orders.py") == {
        6: ("certain", True), 7: ("likely", True), 8: ("likely", True)
    }  # fmt: skip


def test_a_file_that_is_renamed_breaks_its_imports(tmp_path: Path) -> None:
    change = Change("1", "file", "app/models/order.py", renamed="WF1_V7_L1_1of1_OrderModel.py")
    usage = usage_of(tmp_path, SHOP, change)
    assert [(t.path, t.line, t.breaking) for t in usage.touches] == [("app/models/__init__.py", 1, True)]


def test_possible_touches_have_a_limit_and_the_rest_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usages_, "POSSIBLE_IN_A_FILE", 3)
    monkeypatch.setattr(usages_, "POSSIBLE_IN_ALL", 4)
    files = {f"{n}.py": "x = [\n" + "    'open',\n" * 5 + "]\n" for n in range(2)}
    usage = usage_of(tmp_path, files, MERGE)
    assert (len(usage.touches), usage.left_out) == (4, 6)


def test_the_change_of_a_type_of_the_demo_is_mapped() -> None:
    labels = ("New", "Queued", "Processing", "Complete", "Error", "Skipped")
    change = Change(
        "1", "enum", "domain_curation_status", "", "curation_status", labels,
        tuple(label.lower() for label in labels), (("domains", "curation_status"),),
    )  # fmt: skip
    with survey(SOURCE) as found:
        (usage,) = usages([change], names=found.names, graph=found.graph, enums=found.enums)
    certain = {path for path, touches in usage.files.items() if any(t.confidence == "certain" for t in touches)}
    assert certain == {
        "src/models/WF4_V7_L1_1of2_DomainModel.py",
        "src/schemas/WF4-V7-L2-1of2-DomainSchemas.py",
        "src/services/domain_service.py",
        "tests/test_domain.py",
    }
    assert "src/ui/WF4_V7_L6_1_of_1_DomainPanel.py" in usage.files


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.text(max_size=12), max_size=4, unique=True), st.lists(st.text(max_size=12), max_size=4, unique=True),
    st.text(max_size=12), st.sampled_from(["enum", "table", "column"]),
)  # fmt: skip
def test_no_labels_or_names_break_the_search(labels: list[str], new: list[str], name: str, kind: str) -> None:
    change = Change("1", kind, name, "", "new", tuple(labels), tuple(new), ((name, name),))
    with survey(SOURCE) as found:
        (usage,) = usages([change], names=found.names, graph=found.graph, enums=found.enums)
    assert all(touch.line > 0 for touch in usage.touches)
