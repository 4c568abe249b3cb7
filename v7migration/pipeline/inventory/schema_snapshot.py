"""The schema export of the target, and the proof that it matches production (document 2.1.1, action 1).

The export is restored into a scratch database and its catalogs are compared object by object with the canonical
document of the target.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg

from v7migration.connections import rehearsal_url
from v7migration.errors import Refused
from v7migration.ledger.inventories import keep_inventory
from v7migration.ledger.models import Inventory, Snapshot
from v7migration.pipeline.target import Connection
from v7migration.postgres import catalog, preflight, scratch
from v7migration.postgres.export import LOCK_WAIT, Export, ExportFailed, Fault, export_schema, locked_tables
from v7migration.postgres.fingerprint import differences
from v7migration.postgres.redaction import without_secrets
from v7migration.postgres.reprinting import as_printed_anew
from v7migration.postgres.session import settings

EXTENSIONS = "SELECT name FROM pg_available_extensions"


@dataclass(frozen=True)
class SchemaSnapshot:
    """What ``--json`` and the ledger tell of an export, and the export's text (without secrets; empty for none)."""

    facts: dict[str, Any]
    text: str


def take_schema_snapshot(target: Connection, snapshot: Snapshot) -> SchemaSnapshot:
    """Export the schema of the target and verify the export; what fails is told, and the inventory goes on.

    ``facts``: ``exported``, ``verified`` (it was restored and nothing differs, the server's version aside),
    ``differences`` (sentences; a restored object that is missing reads ``removed``), ``faults`` [{``object``,
    ``reason``}] (what could not be read), ``errors`` (what the scratch server refused), ``missing_extensions``,
    ``note``, ``statement`` (for people), ``sha256`` and ``bytes`` of the text as it is kept, ``redacted`` (a secret was
    taken out of it), ``pg_dump`` (its version).
    """
    facts: dict[str, Any] = {
        "exported": False, "verified": False, "differences": [], "faults": [], "errors": [], "missing_extensions": [],
        "note": "", "sha256": "", "bytes": 0, "redacted": False, "pg_dump": "",
    }  # fmt: skip
    text = ""
    try:
        export = export_schema(target)
        facts |= {"exported": True, "pg_dump": export.program, "faults": [f.as_dict() for f in export.faults]}
        raw = export.text.decode(errors="surrogateescape")
        text = without_secrets(raw)
        kept = text.encode(errors="surrogateescape")
        facts |= {"sha256": hashlib.sha256(kept).hexdigest(), "bytes": len(kept), "redacted": text != raw}
        facts |= _verified(target, export, snapshot.document)
    except (ExportFailed, scratch.ScratchUnfit) as refused:
        facts["note"] = f"{refused.message} {refused.next_step}".strip()
    return SchemaSnapshot({**facts, "statement": _statement(facts)}, text)


def keep_schema_snapshot(
    facts: dict[str, Any], archived: dict[str, Any], snapshot: Snapshot, *, person: str
) -> dict[str, Any]:
    """Keep the facts of an export as evidence and return them; its text is in the archive's commit that they name."""
    commit = archived["commit"] or archived["last"]
    facts = {**facts, "archived": bool(commit) and facts["exported"], "commit": commit}
    keep_inventory(
        part=Inventory.Part.SNAPSHOT, subject=snapshot.target_name, snapshot=snapshot, taken_by=person, document=facts
    )
    return facts


@contextmanager
def only_reading(target: Connection) -> Iterator[str]:
    """Lend the session so that nothing can be changed through it, and nothing waits for a lock longer than a moment.

    Yields what the target allows by itself: see :func:`preflight.access`.

    Raises:
        Refused: a table stayed locked; the message says by whom.
    """
    access = preflight.access(target)
    try:
        with settings(target, default_transaction_read_only="on", lock_timeout=f"{LOCK_WAIT}ms"):
            yield access
    except psycopg.errors.LockNotAvailable as error:
        raise Refused(
            f"The catalogs cannot be read: {_holders(target)}.",
            "Wait for that session to end (or end it), then take the inventory again. Nothing was changed.",
        ) from error


def _holders(target: Connection) -> str:
    faults = locked_tables(target)
    return "; ".join(f"{fault.object} is {fault.reason}" for fault in faults) or "a table was locked until just now"


def _verified(target: Connection, export: Export, document: dict[str, Any]) -> dict[str, Any]:
    """Restore the export and compare; objects that were left out of it are left out of the comparison.

    Raises:
        ScratchUnfit: the scratch server cannot serve.
        Refused: no scratch server can be had.
    """
    expected, invalid = _without_invalid_indexes(_readable(document, {fault.object for fault in export.faults}))
    try:
        with (
            rehearsal_url(target.info.server_version // 10_000) as admin,
            scratch.restored(target, admin, lambda: export.text, strict=False) as copy,
        ):
            there = catalog.snapshot(copy.connection)
            expected = as_printed_anew(copy.connection, expected, there)
            note = scratch.note(copy.connection, target).replace("rehearsed", "verified", 1)
            missing = _missing_extensions(copy.connection, document)
    except scratch.ScratchUnfit:
        raise
    except Refused as refused:
        raise scratch.ScratchUnfit("server", refused.message, refused.next_step) from refused
    found = [without_secrets(sentence) for sentence in differences(expected, there)]
    real = [sentence for sentence in found if not sentence.startswith("server: ")]
    return {
        "faults": [fault.as_dict() for fault in (*export.faults, *invalid)],
        "verified": not (real or export.faults), "differences": found, "errors": list(copy.errors),
        "missing_extensions": missing, "note": note,
    }  # fmt: skip


def _readable(document: dict[str, Any], left_out: set[str]) -> dict[str, Any]:
    """Return the document without tables that were left out and their identity sequences; a serial's then stands alone.

    That is how pg_dump writes them.
    """
    tables = [key.removeprefix("table ") for key in left_out]
    owned = tuple(f"owned by {table}." for table in tables)
    identity = tuple(f"identity of {table}." for table in tables)
    objects = {}
    for key, facts in document["objects"].items():
        belongs = str(facts.get("belongs", ""))
        if key in left_out or (identity and belongs.startswith(identity)):
            continue
        alone = owned and belongs.startswith(owned)
        objects[key] = {name: fact for name, fact in facts.items() if name != "belongs"} if alone else facts
    return document | {"objects": objects}


def _without_invalid_indexes(document: dict[str, Any]) -> tuple[dict[str, Any], list[Fault]]:
    """Return the document without the indexes that pg_dump leaves out, and each as a fault: they serve no query.

    An index of a partitioned table is invalid until every partition has its part; that one is written.
    """
    objects, faults = {}, []
    for key, facts in document["objects"].items():
        parts = dict(facts.get("parts", {}))
        if "partition key" not in facts:
            for name in [name for name, part in parts.items() if name.startswith("index ") and part.get("invalid")]:
                del parts[name]
                reason = "it is invalid, and pg_dump leaves it out: rebuild it (REINDEX INDEX CONCURRENTLY) or drop it"
                faults.append(Fault(f"{name} of {key}", reason))
        objects[key] = {**facts, "parts": parts} if "parts" in facts else facts
    return document | {"objects": objects}, faults


def _missing_extensions(connection: Connection, document: dict[str, Any]) -> list[str]:
    there = {f"extension {name}" for (name,) in connection.execute(EXTENSIONS).fetchall()}
    wanted = {key.replace('"', "") for key in document["objects"] if key.startswith("extension ")}
    return sorted(key.removeprefix("extension ") for key in wanted - there)


def _statement(facts: dict[str, Any]) -> str:
    """Say in a sentence whether the schema export matches production."""
    if not facts["exported"]:
        return f"There is no schema export: {facts['note']}"
    beside = _beside(facts["faults"])
    if facts["note"] and not facts["differences"] and not facts["verified"] and not facts["faults"]:
        return f"The schema export was not verified: {facts['note']}"
    number = sum(not sentence.startswith("server: ") for sentence in facts["differences"])
    if not number:
        return f"The schema export matches production{beside}."
    lacking = facts["missing_extensions"]
    because = (
        f"; the scratch server lacks the extension{'' if len(lacking) == 1 else 's'} {', '.join(lacking)}"
        if lacking
        else ""
    )
    return f"The schema export differs from production in {number} way{'' if number == 1 else 's'}{beside}{because}."


def _beside(faults: list[dict[str, str]]) -> str:
    """Return what is not part of an export, counted, in brackets."""
    invalid = sum(fault["object"].startswith("index ") for fault in faults)
    unread = len(faults) - invalid
    told = [f"{unread} table{'' if unread == 1 else 's'} that could not be read"] if unread else []
    told += [f"{invalid} invalid index{'' if invalid == 1 else 'es'}"] if invalid else []
    return f" ({' and '.join(told)} {'is' if len(faults) == 1 else 'are'} not part of it)" if told else ""
