"""Fixtures: both databases at a stage of the workflow."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connections, transaction
from pytest_django import Settings

from tests import world as worlds
from tests.troubled import INSERT_ROW_170, TROUBLE
from tests.world import World
from v7migration.pipeline import inventory


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


_untouched = 0


@pytest.fixture
def rolled_back() -> Iterator[worlds.World]:
    """A migrated control plane; what the test writes there is rolled back, so that the next such test can have it."""
    global _untouched
    shared = worlds.World("migrated")
    if worlds.restored != _untouched or not _untouched:
        shared = worlds.world_at("migrated")
        _untouched = worlds.restored
    block = transaction.atomic()
    block._from_testcase = True  # type: ignore[attr-defined]  # durable blocks may stand inside, as in Django's TestCase
    with block:
        yield shared
        transaction.set_rollback(True)


@pytest.fixture
def world() -> worlds.World:
    """The demo's legacy target beside a migrated control plane with the cast; nothing was done yet."""
    return worlds.world_at("fresh")


@pytest.fixture
def mapped() -> worlds.World:
    """Inventory, accepted groups and the code map that knows them; nothing is assessed."""
    return worlds.world_at("mapped")


@pytest.fixture
def frozen() -> worlds.World:
    """Inventory, approved assessments, the tasks 2.1.1 to 2.1.3, a green rehearsal and a changeset."""
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


@pytest.fixture
def trouble(world: World, settings: Settings, tmp_path: Path) -> Callable[[str], World]:
    """Freeze and sign a script whose named step fails once file_audit has 170 rows."""

    def prepare(before: str) -> World:
        text = settings.V7_SCRIPT.read_text()
        assert text.count(before) == 1
        settings.V7_SCRIPT = tmp_path / "troubled.sql"
        settings.V7_SCRIPT.write_text(text.replace(before, f"{before}\n{TROUBLE}"))
        inventory.take(actor=world.actor("ada"))
        world.accept_groups()
        for number, name in ((1, "ada"), (2, "lena"), (3, "dana")):
            world.finish_task(number, name)
        world.rehearse()
        world.freeze()
        world.sign_all()
        with world.owner() as connection:
            connection.execute(INSERT_ROW_170)
        return world

    return prepare
