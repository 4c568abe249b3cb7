"""What nobody had foreseen: odd input, scripts of strangers, databases unlike the demo's."""

from __future__ import annotations

import json

import psycopg
import pytest

from tests import world as worlds
from tests.environment import CLUSTER
from tracking.models import GlobalImpact
from v7migration.errors import Refused
from v7migration.ledger.models import Run

IMPACT = {
    "change_type": "enum", "impact_description": "Types merge.", "risk_assessment": "low", "affected_layers": ["1"],
}  # fmt: skip


@pytest.mark.parametrize(
    "detail",
    [
        '{"n": 1e400}', '{"n": NaN}', '{"n": -Infinity}', r'{"s": "\u0000"}', r'{"s": "\\\u0000"}', r'{"s": "\ud800"}',
        '{"n": ' + "9" * 5_000 + "}", '{"a": ' + "[" * 50_000 + "]" * 50_000 + "}", "{not json", "[]",
    ],
)  # fmt: skip
def test_details_that_jsonb_cannot_keep_are_refused_by_the_form(world: worlds.World, detail: str) -> None:
    answer = world.client("dana").post("/impacts/new/", {**IMPACT, "change_detail": detail})
    assert answer.status_code in (200, 400)
    assert "change_detail" in answer.context["form"].errors
    assert not GlobalImpact.objects.exists()


@pytest.mark.parametrize("detail", [r'{"s": "\\u0000"}', r'{"s": "\\\\u0000 \ud83d\ude42 é"}', '{"n": 1.25}', ""])
def test_odd_details_that_jsonb_can_keep_are_kept(world: worlds.World, detail: str) -> None:
    answer = world.client("dana").post("/impacts/new/", {**IMPACT, "change_detail": detail})
    assert answer.status_code == 302
    assert GlobalImpact.objects.get().change_detail == json.loads(detail or "{}")


def test_a_runner_without_temporary_tables_is_refused_before_anything_is_touched(signed: worlds.World) -> None:
    with psycopg.connect(CLUSTER.url("superuser"), autocommit=True) as admin:
        admin.execute("REVOKE TEMPORARY ON DATABASE v7_target FROM PUBLIC, v7_owner")
    with pytest.raises(Refused) as refused:
        signed.execute()
    assert "temporary tables" in refused.value.message
    assert "GRANT TEMPORARY" in refused.value.next_step
    assert not Run.objects.exists()
