"""Review: read the script statically, compare it with the target, and say what stands against it (document 2.1.2)."""

from __future__ import annotations

from typing import Any

from django.db import Error, connections

from v7migration.pipeline import reporting
from v7migration.pipeline.target import describe, observe_from_web
from v7migration.postgres.script import ACCEPT, REFUSE, Script, ScriptInvalid, parse, problems_of

CONFLICT = "V7C001"
HINT = "Rename or drop it, if nobody needs it; if a run of ours made it, roll that back (v7_rollback)."


def review(content: bytes, *, own_script: bool = False) -> dict[str, Any]:
    """Return ``verdict`` (``refuse``, ``accept``: to be accepted, ``clean``), ``findings`` and ``conflicts``.

    Each finding has a stable id, severity, section, line (1-based, in the bytes given), message and hint. ``conflicts``
    names what the target holds of the names that the script creates; None when the target does not answer.

    Args:
        content: the script.
        own_script: it is the product's own: its conflicts are documented and escalated (document 5.1).
    """
    findings = [
        {"id": p.id, "severity": p.severity, "section": p.section, "line": p.line, "message": p.message, "hint": p.hint}
        for p in sorted(problems_of(content), key=lambda p: (p.line, p.id))
    ]
    script, conflicts = _parsed(content), None
    if script is not None:
        conflicts = _conflicts(script, own_script)
        findings += _findings(script, conflicts or [])
    severities = {finding["severity"] for finding in findings}
    verdict = "refuse" if REFUSE in severities else "accept" if ACCEPT in severities else "clean"
    return {"verdict": verdict, "findings": findings, "conflicts": conflicts}


def _parsed(content: bytes) -> Script | None:
    try:
        return parse(content)
    except ScriptInvalid:
        return None


def _conflicts(script: Script, own_script: bool) -> list[str] | None:
    try:
        connections["target"].ensure_connection()
        session = connections["target"].connection
        if not own_script:
            return reporting.foreign_objects(session, script)
        name = describe(observe_from_web().identity)
        return reporting.look_for_conflicts(session, script, person="", stage="review", target=name)
    except Error:
        return None


def _findings(script: Script, conflicts: list[str]) -> list[dict[str, Any]]:
    return [
        {
            "id": CONFLICT, "severity": REFUSE, "section": section.number, "line": section.line,
            "message": f"{name} exists in the target already.", "hint": HINT,
        }
        for section in script.sections
        for name in section.creates
        if name in conflicts
    ]  # fmt: skip
