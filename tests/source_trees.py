"""Source trees that tests write, and what the code says of them."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from textwrap import dedent

from v7migration.source.extract import facts_of
from v7migration.source.facts import Facts
from v7migration.source.survey import Survey, survey

SHOP = {
    "app/__init__.py": "",
    "app/models/__init__.py": "from .order import Order, OrderStatus as Status\n",
    "app/models/order.py": """
        from enum import Enum as PyEnum
        from sqlalchemy import Column, Enum, String
        from app.models.base import Base

        class OrderStatus(str, PyEnum):
            OPEN = "open"
            SHUT = "shut"

        class Order(Base):
            __tablename__ = "orders"
            id = Column(String, primary_key=True)
            status = Column("state", Enum(OrderStatus, name="order_status", values_callable=list))
        """,
    "app/models/base.py": "class Base: ...\n",
    "app/services/orders.py": """
        from sqlalchemy import text
        from app.models import Order, Status

        def shut(session, order):
            session.query(Order).filter(Order.status == "open").update({"state": "shut"})
            session.execute(text("SELECT state FROM orders WHERE state = 'open'::order_status"))
            return Status.SHUT.value, order.status == "shut"
        """,
    "app/ui/panel.py": 'CHOICES = ["open", "shut"]\n',
}


def write(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    """Write files below a folder and return it."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else dedent(content).encode())
    return folder


def facts(text: str) -> Facts:
    """Return the facts of a source."""
    return facts_of(ast.parse(dedent(text)))


@contextmanager
def surveyed(folder: Path, files: Mapping[str, str | bytes]) -> Iterator[Survey]:
    """Write files and lend what a survey of them finds, without a cache."""
    with survey(write(folder, files)) as found:
        yield found
