"""Fixtures: both databases at a stage of the workflow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connections, transaction

from tests import world as worlds


@pytest.fixture(scope="session", autouse=True)
def databases_are_ours(django_db_blocker: Any) -> Iterator[None]:
    """The tests own their server and copy databases themselves: nothing needs to be blocked."""
    with django_db_blocker.unblock():
        yield


@pytest.fixture(autouse=True)
def no_open_session() -> Iterator[None]:
    """Leave no database session behind."""
    yield
    connections.close_all()


@pytest.fixture
def migrated() -> worlds.World:
    """A migrated control plane with the cast, and an empty target."""
    return worlds.world_at("migrated")


@pytest.fixture(scope="module")
def migrated_once() -> worlds.World:
    """The same for a whole module, whose tests leave nothing behind."""
    return worlds.world_at("migrated")


@pytest.fixture
def rolled_back(migrated_once: worlds.World) -> Iterator[worlds.World]:
    """A migrated control plane; what the test writes there is rolled back."""
    block = transaction.atomic()
    block._from_testcase = True  # type: ignore[attr-defined]  # durable blocks may stand inside, as in Django's TestCase
    with block:
        yield migrated_once
        transaction.set_rollback(True)


@pytest.fixture
def world() -> worlds.World:
    """The demo's legacy target beside a migrated control plane with the cast; nothing was done yet."""
    return worlds.world_at("fresh")


@pytest.fixture
def frozen() -> worlds.World:
    """Inventory, an impact, the tasks 2.1.1 to 2.1.3, a green rehearsal and a changeset."""
    return worlds.world_at("frozen")


@pytest.fixture
def signed() -> worlds.World:
    """The changeset has its three signatures."""
    return worlds.world_at("signed")


@pytest.fixture
def executed() -> worlds.World:
    """The run is finished: the target is the home of the tracking rows."""
    return worlds.world_at("executed")


@pytest.fixture(params=["planning", "live"])
def home(request: pytest.FixtureRequest) -> worlds.World:
    """The tracking rows in each of their two homes."""
    return worlds.world_at("fresh" if request.param == "planning" else "executed")
