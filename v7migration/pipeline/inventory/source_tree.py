"""The source tree of an inventory: read once, matched with file_audit once, lent to every part that needs it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from django.conf import settings

from tracking.models import Layer, WorkflowCode
from v7migration.errors import Refused
from v7migration.postgres.enum_groups import EnumType
from v7migration.postgres.file_audit import AuditRows
from v7migration.source import enums, judging, matching, naming
from v7migration.source.survey import Survey, survey

Document = dict[str, Any]


@dataclass(frozen=True)
class Sources:
    """What was read of the tree, beside file_audit and the ENUM types of the target.

    What the parts derive from it is derived when the first of them asks, and once.
    """

    survey: Survey
    audit: AuditRows
    types: tuple[EnumType, ...]

    @cached_property
    def registry(self) -> naming.Registry:
        """The registered workflows and layers."""
        return naming.Registry(
            dict(WorkflowCode.objects.values_list("code", "name")), dict(Layer.objects.values_list("number", "name"))
        )

    @cached_property
    def matched(self) -> matching.Matching:
        """The files beside the rows of file_audit."""
        rows = [matching.Audited(r.key, r.path, r.layer, r.workflows, r.target, r.state) for r in self.audit.rows]
        return matching.match(self.survey.tree.paths, rows)

    @cached_property
    def judgement(self) -> judging.Judgement:
        """What the rule on names says of each file and set."""
        return judging.judge(self.survey.tree.paths, self.matched, self.registry)

    @cached_property
    def compared(self) -> enums.Against:
        """The ENUM types of the target beside those of the code."""
        return enums.against(self.types, self.survey.enums)


@contextmanager
def lend(
    source: Path, *, audit: AuditRows, types: Iterable[EnumType], must_be_read: bool
) -> Iterator[Sources | Refused]:
    """Read a tree and lend it; lend the reason instead where it cannot be read and other parts can do without it.

    Args:
        source: the root of the tree.
        audit: the rows of file_audit; none where no part asks for them.
        types: the ENUM types of the target.
        must_be_read: nothing else was asked for.

    Raises:
        Refused: the tree must be read and cannot be, or what is read of it cannot be kept.
    """
    with ExitStack() as open_:
        yield _entered(open_, source, audit, tuple(types), must_be_read=must_be_read)


def _entered(
    open_: ExitStack, source: Path, audit: AuditRows, types: tuple[EnumType, ...], *, must_be_read: bool
) -> Sources | Refused:
    try:
        return Sources(open_.enter_context(_survey(source)), audit, types)
    except Refused as reason:
        if must_be_read:
            raise
        return reason


@contextmanager
def _survey(source: Path) -> Iterator[Survey]:
    try:
        with survey(source, cache=settings.STATE_DIR / "cache") as found:
            yield found
    except OSError as error:
        raise Refused(
            f"What was read of the sources cannot be kept: {error.strerror or error}.",
            f"Make room in {settings.STATE_DIR}, or name another directory in V7_STATE_DIR.",
        ) from error


def left_out(reason: Refused, empty: Document) -> Document:
    """Return a part of an inventory whose tree cannot be read: empty, with the reason among its faults."""
    said = f"{reason.message} {reason.next_step}".strip()
    return {**empty, "faults": [{"path": "", "reason": said}], "totals": {}}


def in_order(found: Iterable[Any], names: Mapping[Any, str], *, with_all_named: bool = False) -> list[Any]:
    """Put layers or workflows in order: the registered ones in theirs, then others, then None for unknown ones.

    ``with_all_named`` takes the registered ones too that were not found.
    """
    there = set(found)
    named = [key for key in names if with_all_named or key in there]
    others = sorted(key for key in there if key is not None and key not in names)
    return [*named, *others, *([None] if None in there else [])]
