"""Storing what an inventory found: documents of hundreds of megabytes, of which only a piece is in memory as text."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from django.db import connections, transaction

from v7migration.ledger.models import Inventory, Snapshot

PIECE = 2_000
"""Entries of a list that become text at a time."""
_ENCODED = json.JSONEncoder(check_circular=False, separators=(",", ":")).encode
_COPY = "COPY ledger_inventory (id, part, subject, snapshot_id, taken_by, document) FROM STDIN"
_ESCAPES = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})


def keep_inventory(
    *, part: Inventory.Part, subject: str, snapshot: Snapshot | None, document: Mapping[str, Any], taken_by: str
) -> str:
    """Store what a part of an inventory found and return the id of its row.

    Args:
        part: which part.
        subject: the target in words, or the source tree.
        snapshot: the snapshot of the target that was taken with it.
        document: what was found, as JSON can hold it.
        taken_by: the username of who took it; '' for nobody.
    """
    key = str(uuid.uuid4())
    connection = connections["default"]
    fields = [key, part.value, subject, str(snapshot.pk) if snapshot else None, taken_by]
    with transaction.atomic(using="default"), connection.cursor() as cursor, connection.wrap_database_errors:
        with cursor.copy(_COPY) as copy:
            copy.write("\t".join(r"\N" if field is None else field.translate(_ESCAPES) for field in fields) + "\t")
            for piece in _pieces(document):
                copy.write(piece.replace("\\", r"\\"))
            copy.write("\n")
    return key


def _pieces(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield the JSON text of a document, long lists a piece at a time."""
    before = "{"
    for name, value in document.items():
        yield f"{before}{_ENCODED(name)}:"
        before = ","
        if isinstance(value, list) and len(value) > PIECE:
            for start in range(0, len(value), PIECE):
                yield ("," if start else "[") + _ENCODED(value[start : start + PIECE])[1:-1]
            yield "]"
        else:
            yield _ENCODED(value)
    yield "}" if document else "{}"
