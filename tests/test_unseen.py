"""What nobody had foreseen: odd input, scripts of strangers, databases unlike the demo's."""

from __future__ import annotations

import json

import pytest

from tests import world as worlds
from tracking.models import GlobalImpact

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
