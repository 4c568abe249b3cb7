"""Who needs whom in the target: found, kept as evidence, asked about and drawn (document 2.1.1, action 3; 2.1.3, 5)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from uuid import UUID

from django.contrib.staticfiles import finders
from django.template.loader import render_to_string

from v7migration.errors import Refused
from v7migration.ledger.inventories import keep_inventory
from v7migration.ledger.models import Inventory, Snapshot
from v7migration.pipeline.target import Connection
from v7migration.postgres import catalog
from v7migration.postgres.dependency_picture import Picture, detail, one_line, picture
from v7migration.postgres.dependency_view import BOTH, KINDS, NEEDED_BY, NEEDS, RELATIONS, Question, View, find, view

__all__ = ["BOTH", "KINDS", "NEEDED_BY", "NEEDS", "RELATIONS", "Answer", "Question", "detail", "find", "one_line"]

STYLE = "v7/dependencies.css"


@dataclass(frozen=True)
class Answer:
    """What a question shows: the view of the graph and its picture."""

    question: Question
    view: View
    picture: Picture

    def document(self) -> dict[str, Any]:
        """Return the nodes and edges that are shown, as ``v7_inventory --json`` prints them all."""
        return {"nodes": [dict(node) for node in self.view.nodes], "edges": [dict(edge) for edge in self.view.edges]}


def take_dependencies(connection: Connection, *, snapshot: Snapshot, person: str) -> dict[str, Any]:
    """Read the dependencies of the target, keep them as a part of the inventory, and return them.

    Returns ``nodes`` and ``edges`` as :func:`catalog.dependencies` gives them.
    """
    graph = catalog.dependencies(connection)
    keep_inventory(
        part=Inventory.Part.DEPENDENCIES,
        subject=snapshot.target_name,
        snapshot=snapshot,
        taken_by=person,
        document=graph,
    )
    return graph


def newest() -> Inventory | None:
    """Return the newest dependencies in the ledger, without their document."""
    return Inventory.objects.filter(part=Inventory.Part.DEPENDENCIES).defer("document").first()


@lru_cache(maxsize=4)
def graph_of(pk: UUID) -> dict[str, Any]:
    """Return the graph of a kept inventory; evidence never changes, so what was read once is kept."""
    document: dict[str, Any] = Inventory.objects.values_list("document", flat=True).get(pk=pk)
    return document


@lru_cache(maxsize=32)
def answer_of(pk: UUID, question: Question, subject: str) -> Answer:
    """Return the answer of a kept inventory to a question."""
    return answer(graph_of(pk), question, subject=subject)


def answer(graph: Mapping[str, Any], question: Question, *, subject: str) -> Answer:
    """Return what a question shows of a graph; ``subject`` names the database in the title."""
    found = view(graph, question)
    title = f"Dependencies in {subject}"
    if question.table:
        title = f"Dependencies of {one_line(question.table)}"
    elif question.cluster:
        title = f"Dependencies in the cluster {one_line(question.cluster)}"
    return Answer(question, found, picture(found, title=title, focus=question.table))


def svg(
    found: Answer, *, link: Callable[[Mapping[str, Any]], str] | None = None, width: str = "", height: str = ""
) -> str:
    """Return the picture as SVG.

    Args:
        found: the answer to be drawn.
        link: gives the address behind a box of the picture. Without it the picture stands alone: it carries its
            style, for light and dark, and leads nowhere.
        width: what the element says of its width; its own pixels if empty. The same for height.
    """
    boxes = [{**box, "href": link(box) if link else ""} for box in found.picture.boxes]
    return render_to_string(
        "parts/dependencies.svg",
        {"picture": found.picture, "boxes": boxes, "style": "" if link else style(), "width": width, "height": height},
    )


@lru_cache(maxsize=1)
def style() -> str:
    """Return the style sheet of the pictures, which the pages load and a picture that stands alone carries."""
    path = finders.find(STYLE)
    with open(str(path), encoding="utf-8") as file:  # noqa: PTH123 (finders give a string)
        return file.read()


def as_json(found: Answer) -> str:
    """Return the nodes and edges that are shown as JSON text."""
    return json.dumps(found.document(), indent=1, ensure_ascii=False)


def write_picture(graph: Mapping[str, Any], *, path: Path, subject: str) -> None:
    """Write the picture of a whole graph, which stands alone, to a file.

    Raises:
        Refused: the file cannot be written.
    """
    try:
        path.write_text(svg(answer(graph, Question(), subject=subject)), encoding="utf-8")
    except OSError as error:
        raise Refused(f"The picture cannot be written to {path}: {error.strerror}.", "Name another file.") from error
