"""What an inventory found is stored as it is, however long and odd."""

from __future__ import annotations

from typing import Any

import pytest

from tests.world import World
from v7migration.ledger.inventories import PIECE, keep_inventory
from v7migration.ledger.models import Inventory

FILES = Inventory.Part.FILES
ODD: dict[str, Any] = {
    "": [], "a\\b": "tab\t line\n carriage\r \\N \\. \u00e9 \u2028 \U0001f600 \"quoted\" 'single'", "none": None,
    "number": 1.5, "nested": {"list": [[], {}, [None, True]]},
}  # fmt: skip


@pytest.mark.parametrize(
    "document", [{}, ODD, {"rows": [{"n": n, "t": f"\\{n}"} for n in range(2 * PIECE + 1)], "end": [1] * (PIECE + 1)}]
)
def test_a_document_comes_back_as_it_was_kept(migrated: World, document: dict[str, Any]) -> None:
    subject = "tree \\ with\ta tab\nand a line"
    key = keep_inventory(part=FILES, subject=subject, snapshot=None, document=document, taken_by="")
    row = Inventory.objects.get(pk=key)
    assert (row.document, row.subject, row.taken_by, row.snapshot) == (document, subject, "", None)
    assert row.taken_at is not None
