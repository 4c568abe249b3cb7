"""The plan of a script: its sections in execution order, the reason of each deviation, what will be felt."""

from __future__ import annotations

from typing import Any

from v7migration.postgres.script import Script, plan_order

WARNINGS = (
    "Prepared SELECT * statements on file_audit fail once after its columns are added "
    "(cached plan must not change result type): let the application reconnect or retry.",
    "Adding columns and constraints locks file_audit for milliseconds; "
    "a step that must wait gives way and tries again.",
)


def plan_of(script: Script) -> dict[str, Any]:
    """Return ``sections`` (number, title, task, reason, on_failure, steps) in execution order, and ``warnings``."""
    sections = [
        {
            "number": section.number,
            "title": section.title,
            "purpose": section.purpose,
            "task": section.task,
            "reason": reason,
            "on_failure": section.on_failure,
            "creates": list(section.creates),
            "steps": [
                {
                    "key": s.key,
                    "title": s.title,
                    "line": s.line,
                    "transactional": s.transactional,
                    "statements": len(s.statements),
                }
                for s in section.steps
            ],
        }
        for section, reason in plan_order(script)
    ]
    touches = any("file_audit" in statement.text for s in script.sections for statement in s.statements)
    return {"sections": sections, "warnings": list(WARNINGS) if touches else []}
