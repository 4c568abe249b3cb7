"""What a script says about the tables, views and columns that it makes: its COMMENT ON statements."""

from __future__ import annotations

from . import grammar
from .model import Script

DESCRIBED = frozenset({"OBJECT_TABLE", "OBJECT_VIEW", "OBJECT_COLUMN"})


def remarks(script: Script) -> dict[str, str]:
    """Return the comment of each table, view and column by its whole name (``public.file_audit.notes``).

    A later comment on the same object takes the place of an earlier one; an empty one, and NULL, take it away.
    """
    found = {}
    for section in script.sections:
        for statement in section.statements:
            node = grammar.tree(statement.text)
            if grammar.kind(node) == "CommentStmt" and grammar.constant(node, "objtype") in DESCRIBED:
                found[".".join(grammar.strings(node.object.list.items))] = node.comment
    return {name: text for name, text in found.items() if text}
