"""Inventory: what is there before anything changes (document 2.1.1)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import django.db
import psycopg
from django.conf import settings

from tracking.actors import Actor
from v7migration.errors import Refused
from v7migration.ledger.models import Snapshot
from v7migration.ledger.services import append_event
from v7migration.pipeline import consolidation
from v7migration.pipeline.inventory import code_map, enum_analysis, file_naming
from v7migration.pipeline.inventory.archive import archive_inventory
from v7migration.pipeline.inventory.dependency_graph import take_dependencies, write_picture
from v7migration.pipeline.inventory.performance_baseline import baseline_left_out, take_baseline
from v7migration.pipeline.inventory.schema_snapshot import (
    SchemaSnapshot,
    keep_schema_snapshot,
    only_reading,
    take_schema_snapshot,
)
from v7migration.pipeline.inventory.source_tree import Sources, left_out, lend
from v7migration.pipeline.target import runner, take_snapshot
from v7migration.postgres.enum_groups import EnumType
from v7migration.postgres.file_audit import AuditRows, read_file_audit

PARTS = ("snapshot", "enums", "dependencies", "files", "code", "baseline")

__all__ = ["PARTS", "take", "write_picture"]


def take(
    *,
    actor: Actor | None,
    only: str | None = None,
    count: bool = False,
    source: Path | None = None,
    archive: Path | None = None,
) -> tuple[Snapshot, dict[str, Any]]:
    """Take the inventory of the target and return the stored snapshot and the result by part.

    Args:
        actor: who takes it.
        only: one of :data:`PARTS`; None takes all.
        count: count the rows per ENUM label instead of estimating them.
        source: the root of the source tree; None takes ``V7_SOURCE_DIR``.
        archive: the git repository that keeps the inventory; None for the one in the state directory.

    Raises:
        Refused: the target cannot be used, or ``only`` asks for files or code and the tree cannot be read.
    """
    person = actor.username if actor else ""
    place = source or settings.V7_SOURCE_DIR
    schema: SchemaSnapshot | None = None
    with (
        runner(application_name="v7_inventory", needs_file_audit=False, only_read=True) as connection,
        only_reading(connection) as access,
    ):
        snapshot = take_snapshot(connection, person=person)
        result: dict[str, Any] = {"fingerprint": snapshot.fingerprint, "target": snapshot.target_name, "access": access}
        analysed = enum_analysis.analyse(connection, count=count) if only in (None, "enums") else None
        if only in (None, "dependencies"):
            result["dependencies"] = take_dependencies(connection, snapshot=snapshot, person=person)
        audit = read_file_audit(connection) if only in (None, "files", "code") else AuditRows(())
        if only in (None, "snapshot"):
            schema = take_schema_snapshot(connection, snapshot)
    if only in (None, "baseline"):
        result["baseline"] = _baseline(snapshot, person, must_be_taken=only == "baseline")
    if only in (None, "enums", "files", "code"):
        result |= _of_sources(place, audit, only, analysed, snapshot, actor)
    result["archive"] = archive_inventory(
        snapshot, result, schema=schema.text if schema else None, person=person, place=archive
    )
    if schema is not None:
        result["snapshot"] = keep_schema_snapshot(schema.facts, result["archive"], snapshot, person=person)
    append_event(
        kind="inventory.taken", actor=person, subject=str(snapshot.pk), payload={"fingerprint": snapshot.fingerprint}
    )
    return snapshot, result


def _baseline(snapshot: Snapshot, person: str, *, must_be_taken: bool) -> dict[str, Any]:
    """Measure as the web role; where it may not, or cannot, the other parts are taken all the same."""
    try:
        return take_baseline(snapshot, person=person)
    except (Refused, django.db.Error, psycopg.Error) as reason:
        if must_be_taken:
            raise
        return baseline_left_out(reason)


def _of_sources(
    place: Path, audit: AuditRows, only: str | None, analysed: dict[str, Any] | None, snapshot: Snapshot,
    actor: Actor | None,
) -> dict[str, Any]:  # fmt: skip
    """Take the parts that need the source tree; no session on the target is open, and the tree is forgotten after."""
    types = [EnumType(t["schema"], t["name"], tuple(t["labels"])) for t in snapshot.enums["types"]]
    person = actor.username if actor else ""
    found: dict[str, Any] = {}
    with lend(place, audit=audit, types=types, must_be_read=only in ("files", "code")) as tree:
        if only in (None, "files"):
            found["files"] = (
                file_naming.take_files(tree, snapshot=snapshot, actor=actor)
                if isinstance(tree, Sources)
                else left_out(tree, file_naming.EMPTY)
            )
        if analysed is not None:
            found["enums"] = enum_analysis.keep(analysed, tree, snapshot=snapshot, person=person)
            found["proposed"] = consolidation.standing()
        if only in (None, "code"):
            found["code"] = (
                code_map.take_code(tree, snapshot=snapshot, person=person)
                if isinstance(tree, Sources)
                else left_out(tree, code_map.EMPTY)
            )
    return found
