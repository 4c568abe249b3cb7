"""What axe finds on the pages (WCAG 2.2 A and AA), in light and dark, wide and narrow; nothing runs over the edge."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse
from playwright.sync_api import Browser, Page

from tests.cast import PASSWORD
from tests.environment import site_port
from tests.test_browser import chromium
from tests.world import World
from tracking.models import EnumMigration, GlobalImpact
from v7migration.demo.site import served
from v7migration.ledger.models import Review
from v7migration.pipeline import consolidation

__all__ = ["chromium"]

pytestmark = pytest.mark.browser
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
LARGE = ("review", "changeset")
"""Pages with thousands of lines of the script: axe looks at them once only, for it takes its time."""


@pytest.fixture
def reader(frozen: World, chromium: Browser, tmp_path: Path) -> Iterator[Page]:
    """A signed-in DB Team Lead in a browser that lets axe in, with the world frozen."""
    with served(port=site_port(8400), log=tmp_path / "site.log") as url:
        page = chromium.new_context(base_url=url, bypass_csp=True).new_page()
        page.set_default_timeout(120_000)
        page.goto("/login/")
        page.fill("[name=username]", "lena")
        page.fill("[name=password]", PASSWORD)
        page.click("button[type=submit]")
        page.wait_for_url(url)
        yield page
        page.context.close()


def addresses(world: World) -> dict[str, str]:
    """Return the pages of inventory, review and impact by name."""
    change = EnumMigration.objects.get(current_enum_name="place_curation_status")
    group = next(group for group in consolidation.groups() if len(group.members) > 3)
    impact, review = GlobalImpact.objects.latest("created_at"), Review.objects.latest("at")
    digest = world.changeset().digest
    return {
        "reviews": reverse("reviews"),
        "review": reverse("review", args=[review.pk]),
        "changeset": reverse("changeset", args=[digest]),
        "sign": reverse("changeset-sign", args=[digest, "script-review"]),
        "groups": reverse("enum-groups"),
        "group": reverse("enum-group", args=[group.key]),
        "enums": reverse("enums"),
        "enum": reverse("enum", args=[change.pk]),
        "dependencies": reverse("dependencies"),
        "dependencies of a table": f"{reverse('dependencies')}?table=public.domains",
        "inventory": reverse("file-inventory"),
        "scores": f"{reverse('file-inventory')}?show=impacts",
        "file": f"{reverse('file')}?path=src/models/places_staging.py",
        "code map": reverse("code-map"),
        "broken imports": f"{reverse('code-map')}?show=renames",
        "change": reverse("code-map-change", args=[change.pk]),
        "change, nothing found": f"{reverse('code-map-change', args=[change.pk])}?layer=99",
        "baseline": reverse("baseline"),
        "coverage": reverse("coverage"),
        "impacts": reverse("impacts"),
        "impact": reverse("impact", args=[impact.pk]),
        "impact form": reverse("impact-new"),
    }


def violations(page: Page) -> list[str]:
    """Return what axe finds on the page that is open, each with its first place."""
    found: list[dict[str, Any]] = Axe().run(page, options=RULES).response["violations"]
    return [f"{entry['id']} at {entry['nodes'][0]['target']} ({len(entry['nodes'])} times)" for entry in found]


def width(page: Page) -> int:
    return int(page.evaluate("document.documentElement.scrollWidth"))


@pytest.mark.parametrize(("scheme", "wide"), [("light", 1440), ("dark", 390)])
def test_axe_finds_nothing_on_the_pages_and_none_runs_over_the_edge(
    reader: Page, frozen: World, scheme: Any, wide: int
) -> None:
    reader.emulate_media(color_scheme=scheme)
    reader.set_viewport_size({"width": wide, "height": 900})
    wrong: dict[str, list[str]] = {}
    for name, address in addresses(frozen).items():
        answer = reader.goto(address)
        assert answer is not None and answer.status == 200, name
        found = [] if name in LARGE and scheme == "dark" else violations(reader)
        found += [f"{width(reader)} wide"] if width(reader) > wide else []
        wrong |= {name: found} if found else {}
    assert wrong == {}
