"""Inventory: what is there before anything changes (document 2.1.1)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings

from tracking.actors import Actor
from v7migration.errors import Refused
from v7migration.ledger.models import Snapshot
from v7migration.ledger.services import append_event
from v7migration.pipeline import consolidation
from v7migration.pipeline.inventory import code_map
from v7migration.pipeline.inventory.archive import archive_inventory
from v7migration.pipeline.inventory.dependency_graph import take_dependencies, write_picture
from v7migration.pipeline.inventory.enum_analysis import analyse, keep
from v7migration.pipeline.inventory.file_naming import compare, left_out, take_files
from v7migration.pipeline.inventory.performance_baseline import take_baseline
from v7migration.pipeline.inventory.schema_snapshot import (
    SchemaSnapshot,
    keep_schema_snapshot,
    only_reading,
    take_schema_snapshot,
)
from v7migration.pipeline.target import runner, take_snapshot

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
    with runner(application_name="v7_inventory", needs_file_audit=False) as connection, only_reading(connection):
        snapshot = take_snapshot(connection, person=person)
        result: dict[str, Any] = {"fingerprint": snapshot.fingerprint, "target": snapshot.target_name}
        if only in (None, "enums"):
            analysed = analyse(connection, count=count)
        if only in (None, "dependencies"):
            result["dependencies"] = take_dependencies(connection, snapshot=snapshot, person=person)
        if only in (None, "files"):
            result["files"] = _files(connection, place, snapshot, actor, is_only=only == "files")
        if only in (None, "snapshot"):
            schema = take_schema_snapshot(connection, snapshot)
    if only in (None, "baseline"):
        result["baseline"] = take_baseline(snapshot, person=person)
    if only in (None, "enums"):
        result["enums"] = keep(analysed, source=place, snapshot=snapshot, person=person)
        result["proposed"] = consolidation.standing()
    if only in (None, "code"):
        result["code"] = _code(place, snapshot, person, is_only=only == "code")
    result["archive"] = archive_inventory(
        snapshot, result, schema=schema.text if schema else None, person=person, place=archive
    )
    if schema is not None:
        result["snapshot"] = keep_schema_snapshot(schema.facts, result["archive"], snapshot, person=person)
    append_event(
        kind="inventory.taken", actor=person, subject=str(snapshot.pk), payload={"fingerprint": snapshot.fingerprint}
    )
    return snapshot, result


def _files(
    connection: psycopg.Connection[Any], source: Path, snapshot: Snapshot, actor: Actor | None, *, is_only: bool
) -> dict[str, Any]:
    """Take the files; a tree that cannot be read stops nothing but an inventory of files alone."""
    try:
        return take_files(connection, source=source, snapshot=snapshot, actor=actor)
    except Refused as reason:
        if is_only:
            raise
        return left_out(reason)


def _code(source: Path, snapshot: Snapshot, person: str, *, is_only: bool) -> dict[str, Any]:
    """Map the proposed changes onto the code; no session stays open while it is read."""
    try:
        with runner(application_name="v7_inventory", needs_file_audit=False) as connection:
            _, matched, judgement = compare(connection, source)
        places = code_map.places_of(matched, judgement)
        return code_map.take_code(source=source, places=places, snapshot=snapshot, person=person)
    except Refused as reason:
        if is_only:
            raise
        return code_map.left_out(reason)
