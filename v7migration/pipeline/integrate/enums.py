"""The enums of both generated modules, with the steps that their states may take."""

from __future__ import annotations

from v7migration.pipeline.integrate.described import Choices
from v7migration.pipeline.integrate.layout import docstring, quoted


def enum_class(enum: Choices) -> list[str]:
    """Return the lines of a StrEnum class: what it says, its steps, its members."""
    said = [enum.says]
    if enum.steps:
        ways = [f"    {source} > {', '.join(targets)}" for source, targets in enum.steps]
        said += [f"A new row is {enum.initial}. The database refuses any other step:", "\n".join(ways)]
    unseen = ["", "    __test__ = False"] if enum.name.startswith("Test") else []  # pytest would collect it
    members = [f"    {name} = {quoted(value)}{_noted(name)}" for name, value in enum.members]
    return [f"class {enum.name}(StrEnum):", *docstring(said, depth=1), *unseen, "", *members]


def _noted(name: str) -> str:
    """Say of a member that is called like a password that it is none: linters suspect it."""
    return "  # noqa: S105 (a result, no password)" if name == "PASS" else ""
