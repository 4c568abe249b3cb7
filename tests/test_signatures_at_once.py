"""Signing from several connections at once: the database picks the winner. The rows of these tests are committed."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connections, transaction

from approvals import services
from approvals.models import Revocation
from approvals.refusals import SigningRefused
from tests.signing import PASSWORD, Signing, make_signing
from tests.world import World


@pytest.fixture
def committed(migrated: World) -> Signing:
    """A signing whose rows are committed, for tests with several connections."""
    return make_signing()


def at_once(count: int, work: Callable[[int], str]) -> list[str]:
    """Run ``work`` in several connections, all let go at one moment."""
    barrier = Barrier(count)

    def one(number: int) -> str:
        try:
            connections["default"].ensure_connection()
            barrier.wait(timeout=20)
            return work(number)
        finally:
            connections["default"].close()

    with ThreadPoolExecutor(count) as pool:
        return sorted(pool.map(one, range(count)))


def test_of_two_posts_at_once_exactly_one_signs(committed: Signing) -> None:
    def post(_: int) -> str:
        try:
            return committed.sign("lead", "script-review").seat
        except SigningRefused as refusal:
            return refusal.code

    assert at_once(4, post) == ["already-signed"] * 3 + ["script-review"]


def test_of_two_people_at_once_exactly_one_speaks_for_the_persona(committed: Signing) -> None:
    def post(number: int) -> str:
        try:
            return committed.sign(["lead", "everything"][number], "script-review").seat
        except SigningRefused as refusal:
            return refusal.code

    assert at_once(2, post) in (["persona-taken", "script-review"], ["already-signed", "script-review"])


def test_a_revocation_waits_for_the_commit_that_holds_the_changeset(committed: Signing) -> None:
    signature = committed.sign("lead", "script-review")
    lead = committed.people["lead"]

    def revoke() -> None:
        try:
            services.revoke(signature=signature, person=lead, password=PASSWORD, reason="stop")
        finally:
            connections["default"].close()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic(), connections["default"].cursor() as cursor:
            cursor.execute("SELECT 1 FROM ledger_changeset WHERE digest = %s FOR SHARE", [committed.facts.id])
            waiting = pool.submit(revoke)
            with pytest.raises(TimeoutError):
                waiting.result(timeout=0.5)
            assert not Revocation.objects.filter(signature=signature).exists()
        waiting.result(timeout=20)
    assert Revocation.objects.filter(signature=signature).exists()
