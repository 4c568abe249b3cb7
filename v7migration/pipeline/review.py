"""Review: read the script statically and say what stands against it (document 2.1.2)."""

from __future__ import annotations

from typing import Any

from v7migration.postgres.script import ACCEPT, REFUSE, problems_of


def review(content: bytes) -> dict[str, Any]:
    """Return ``verdict`` (``refuse``, ``accept``: findings must be accepted, ``clean``) and ``findings``.

    Each finding has a stable id, severity, section, line (1-based, in the bytes given), message and hint.
    """
    findings = [
        {"id": p.id, "severity": p.severity, "section": p.section, "line": p.line, "message": p.message, "hint": p.hint}
        for p in sorted(problems_of(content), key=lambda p: (p.line, p.id))
    ]
    severities = {finding["severity"] for finding in findings}
    verdict = "refuse" if REFUSE in severities else "accept" if ACCEPT in severities else "clean"
    return {"verdict": verdict, "findings": findings}
