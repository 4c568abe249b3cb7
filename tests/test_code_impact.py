"""Which ENUM types of the database a file uses, however it comes by the class, and what weighs how much."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.source_trees import SHOP, surveyed
from v7migration.postgres.enum_groups import EnumType
from v7migration.source.enums import against
from v7migration.source.impact import Impact, weigh

TYPES = [EnumType("public", "order_status", ("open", "shut")), EnumType("public", "mood", ("sad", "ok"))]
NESTED = """
    from enum import Enum
    class Cat:
        class Mood(Enum):
            SAD = "sad"
            OK = "ok"
    """


def impacts(folder: Path, files: dict[str, str]) -> dict[str, Impact]:
    """Return the impact of each file of a shop with some more files."""
    with surveyed(folder, {**SHOP, "app/cat.py": NESTED, **files}) as found:
        return dict(weigh(found, against(TYPES, found.enums).matches, {}))


@pytest.mark.parametrize(
    "source",
    [
        "from app.models.order import OrderStatus",
        "from app.models import Status",
        "import app.models.order\nprint(app.models.order.OrderStatus.OPEN)",
        "import app.models.order as o\ndef f():\n    return o.OrderStatus.OPEN.value",
        "from app.models import order\nx = order.OrderStatus",
        "from app import models\nx = models.Status.SHUT",
        "import app.models\nx = [app.models.Status(v) for v in ()]",
        "from app.models.order import *\nx = OrderStatus.OPEN",
        "from ..models import order as o\nx = {o.OrderStatus.OPEN: 1}",
        "from app.models import Status as S\nx = S.OPEN",
    ],
)
def test_a_file_uses_an_enum_by_whatever_name_it_says(tmp_path: Path, source: str) -> None:
    found = impacts(tmp_path, {"app/services/user.py": source + "\n"})["app/services/user.py"]
    assert found.enums == ("public.order_status",)
    assert "1 ENUM type of the database is used" in found.reasons


@pytest.mark.parametrize(
    "source", ["from app.cat import Cat\nx = Cat.Mood.SAD", "import app.cat\nx = app.cat.Cat.Mood"]
)
def test_an_enum_inside_a_class_is_used_through_the_class(tmp_path: Path, source: str) -> None:
    assert impacts(tmp_path, {"app/user.py": source + "\n"})["app/user.py"].enums == ("public.mood",)


@pytest.mark.parametrize(
    "source",
    [
        "from app.models import order\nx = order.Order",
        "import app.models.order",
        "import other.order as o\nx = o.OrderStatus.OPEN",
        "def f(order):\n    return order.OrderStatus",
        "from app.cat import Cat\nx = Cat()",
    ],
)
def test_a_module_that_is_imported_for_something_else_uses_no_enum(tmp_path: Path, source: str) -> None:
    assert impacts(tmp_path, {"app/user.py": source + "\n"})["app/user.py"].enums == ()
