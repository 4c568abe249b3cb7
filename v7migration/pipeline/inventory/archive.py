"""The archive: each inventory is a commit in a git repository, with a readable difference to the last (2.1.1).

Commits are made by git's plumbing on an index of our own: no hook, filter, ignore rule, signature or template of
anybody's configuration takes part, and nothing that is staged in the repository is touched. One process at a time
writes; a commit that somebody else made meanwhile is built upon.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from itertools import islice, zip_longest
from pathlib import Path
from typing import Any
from urllib.parse import quote

from django.contrib.auth.models import User

from v7migration.connections import state_dir
from v7migration.ledger.models import Snapshot
from v7migration.pipeline.inventory.repository import ArchiveUnfit, Author, Repository
from v7migration.postgres.fingerprint import differences
from v7migration.postgres.redaction import without_secrets

Files = dict[str, Path]
"""Files by the name that they have in the archive's folder."""
ARCHIVED = ("enums", "dependencies", "files", "baseline")
"""Parts of the result that have a JSON file of their own."""
MEASURED = frozenset({"rows", "milliseconds", "seconds", "taken_at", "id", "inventory"})
"""Keys whose values move without anybody changing anything: they are kept, and alone they make no commit."""
MOVING = re.compile(rb'( *)"(?:' + b"|".join(sorted(key.encode() for key in MEASURED)) + rb')": (.*)')
PIECES = 20_000  # of JSON that are joined at a time
NEVER_ALONE = frozenset({"baseline.json"})
NOBODY = Author("V7 Migration", "v7-migration@localhost")


def default_place() -> Path:
    """Return where the archive is unless somebody names another repository: ``archive`` in the state directory."""
    return state_dir() / "archive"


def archive_inventory(
    snapshot: Snapshot, result: dict[str, Any], *, schema: str | None, person: str, place: Path | None = None
) -> dict[str, Any]:
    """Commit what an inventory found and say how it differs from the one before.

    Args:
        snapshot: the catalogs that were read.
        result: the inventory by part; each part that was taken is written.
        schema: the schema export, None where it was not asked for and "" where there is none.
        person: username of who took it, who becomes the commit's author; empty for nobody.
        place: the repository; None for :func:`default_place`.

    Returns ``commit`` (None without one), ``changed``, ``last`` (the commit that an unchanged inventory equals),
    ``first``, ``difference`` (sentences about objects), ``files`` [{``path``, ``added``, ``removed``}], ``repository``,
    ``folder``, ``statement`` and, where it failed, ``error`` and ``next_step``: the inventory is done all the same.
    """
    folder = folder_of(snapshot)
    place = (place or default_place()).absolute()
    found: dict[str, Any] = {
        "repository": str(place), "folder": folder, "commit": None, "last": None, "changed": None, "difference": [],
        "files": [], "first": False,
    }  # fmt: skip
    try:
        with Repository.opened(place) as repository, repository.scratch() as scratch:
            before = repository.files(folder, into=scratch)
            found |= _committed(repository, folder, snapshot, before, _files(snapshot, result, schema, scratch), person)
    except ArchiveUnfit as unfit:
        found |= {"error": unfit.message, "next_step": unfit.next_step}
    return found | {"statement": _statement(found)}


def folder_of(snapshot: Snapshot) -> str:
    """Return the target's folder: its database's name (odd signs as ``%41``) and the identifier of its cluster."""
    return f"{quote(snapshot.database, safe='')}-{quote(snapshot.system_identifier, safe='')}"


def _committed(
    repository: Repository, folder: str, snapshot: Snapshot, before: Files, files: Files, person: str
) -> dict[str, Any]:
    changed = {name for name, content in files.items() if _differs(name, before.get(name), content)}
    if not (changed - NEVER_ALONE or (changed and files.keys() <= NEVER_ALONE)):
        return {"changed": False, "last": repository.last_commit(folder)}
    difference = _difference(before.get("catalog.json"), files.get("catalog.json"))
    message = _message(snapshot, files, difference, first=not before)
    commit, lines = repository.commit(folder, files, message=message, author=_author(person))
    return {"changed": True, "commit": commit, "difference": difference, "files": lines, "first": not before}


def _files(snapshot: Snapshot, result: dict[str, Any], schema: str | None, place: Path) -> Files:
    """Write each file to a place; JSON has one line per fact, and no file holds a secret."""
    parts = {f"{part}.json": result[part] for part in ARCHIVED if part in result}
    if schema is not None:
        parts["catalog.json"] = snapshot.document
    files = {name: place / name for name in parts}
    for name, document in parts.items():
        _write_json(files[name], document)
    if schema:
        files["schema.sql"] = place / "schema.sql"
        files["schema.sql"].write_bytes(without_secrets(schema).encode(errors="surrogateescape"))
    return dict(sorted(files.items()))


def _write_json(path: Path, document: Any) -> None:
    """Write a document line by line without secrets; no secret's text goes over the end of a line of JSON."""
    pieces = json.JSONEncoder(indent=1, sort_keys=True, ensure_ascii=False, default=str).iterencode(document)
    rest = ""
    with path.open("wb") as file:
        while batch := "".join(islice(pieces, PIECES)):
            whole, end, rest = (rest + batch).rpartition("\n")
            file.write(without_secrets(whole + end).encode(errors="surrogateescape"))
        file.write(without_secrets(rest + "\n").encode(errors="surrogateescape"))


def _differs(name: str, before: Path | None, after: Path) -> bool:
    if before is None:
        return True
    with before.open("rb") as old, after.open("rb") as new:
        lines = zip_longest(_lasting(old), _lasting(new)) if name.endswith(".json") else zip_longest(old, new)
        return any(one != other for one, other in lines)


def _lasting(content: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the lines of a JSON file of the archive without the keys whose values move by themselves."""
    closing: tuple[bytes, ...] = ()
    for line in content:
        text = line.rstrip(b",\n")
        if closing:
            closing = () if text in closing else closing
        elif moving := MOVING.match(text):
            indent, value = moving.groups()
            closing = (indent + b"}", indent + b"]") if value in (b"{", b"[") else ()
        else:
            yield text


def _difference(before: Path | None, after: Path | None) -> list[str]:
    """Say object by object how the catalogs differ from the last archived ones."""
    if before is None or after is None:
        return []
    try:
        return differences(json.loads(before.read_bytes()), json.loads(after.read_bytes()))
    except (ValueError, AttributeError):
        return ["The last archived catalog.json cannot be read, so that nothing can be compared with it."]


def _message(snapshot: Snapshot, files: Files, difference: list[str], *, first: bool) -> str:
    subject = f"Inventory of {snapshot.database}: {snapshot.fingerprint[:12]}"
    lines = [subject, "", f"Target: {snapshot.target_name}", f"Fingerprint: {snapshot.fingerprint}"]
    lines.append(f"Files: {', '.join(files)}")
    if not first:
        lines += ["", *(difference or ["The catalogs are as they were."])]
    return without_secrets("\n".join(lines)) + "\n"


def _author(person: str) -> Author:
    user = User.objects.filter(username=person).first() if person else None
    if user is None:
        return NOBODY if not person else Author(person, NOBODY.email)
    return Author(user.get_full_name() or user.get_username(), user.email or f"{user.get_username()}@localhost")


def _statement(found: dict[str, Any]) -> str:
    """Say in a sentence what became of the archive."""
    if "error" in found:
        return f"Not archived: {found['error']} {found['next_step']}".strip()
    if not found["changed"] and not found["last"]:
        return "Nothing to archive: this part has no file in the archive."
    if not found["changed"]:
        return f"Unchanged since the last inventory ({found['last'][:12]}): no commit was made."
    where = f"commit {found['commit'][:12]} in {found['repository']}, folder {found['folder']}"
    if found["first"]:
        return f"The first inventory of this target: {where}."
    return f"{len(found['difference'])} differences to the last inventory: {where}."
