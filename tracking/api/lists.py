"""Lists: filtered, sorted by what is named, cut into pages, with the total count."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Generic, TypeVar

from django.db.models import Case, Expression, F, IntegerField, QuerySet, Value, When
from ninja import Schema
from pydantic import Field

from tracking.choices import Risk, severity

Item = TypeVar("Item")
MOST = 200
FARTHEST = 10_000_000


class Ordered(Schema):
    """Which part of a list, in which order; each list names the orders it knows."""

    limit: Annotated[int, Field(ge=1, le=MOST, description="how many rows at most")] = 50
    offset: Annotated[int, Field(ge=0, le=FARTHEST, description="how many rows to leave out")] = 0
    order: str


class Page(Schema, Generic[Item]):
    """A part of a list, and how many rows the filters leave in all."""

    count: int = Field(description="how many rows there are in all")
    limit: int
    offset: int
    items: list[Item]


def page(
    rows: QuerySet[Any], paging: Ordered, orders: Mapping[str, Sequence[Expression | str]] | None = None
) -> dict[str, Any]:
    """Return a page of rows: two queries, whatever its size.

    Args:
        rows: the filtered rows.
        paging: the part that is asked for, and a name of a column to sort by (``-`` before it: downwards).
        orders: what to sort by under a name that is not a column's.
    """
    name = paging.order.removeprefix("-")
    keys = [F(key) if isinstance(key, str) else key for key in (orders or {}).get(name, (name,))]
    downwards = paging.order.startswith("-")
    sorted_by = [key.desc(nulls_last=True) if downwards else key.asc(nulls_last=True) for key in keys]
    part = rows.order_by(*sorted_by, "pk")[paging.offset : paging.offset + paging.limit]
    return {"count": rows.count(), "limit": paging.limit, "offset": paging.offset, "items": list(part)}


def by_severity(column: str) -> Expression:
    """Return what sorts a column of risks from low to critical; risks never sort alphabetically."""
    cases = [When(**{column: risk}, then=Value(severity(risk))) for risk in Risk.values]
    return Case(*cases, default=Value(0), output_field=IntegerField())
