"""The whole Database Phase as people live it: browsers and a terminal, from an empty plan to "Phase 4 Complete".

At its end it prints every line of the phase document with its evidence (``pytest -s tests/test_journey.py``).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from approvals.selectors import holders_of
from tests.cast import PASSWORD
from tests.environment import site_port
from tests.test_browser import chromium, sign_in
from tests.world import World
from tracking.choices import ImpactStatus
from tracking.models import GlobalImpact, Phase, SubworkflowTask
from v7migration.connections import PROJECT_DIR
from v7migration.demo.site import served
from v7migration.ledger.models import Changeset, Review, Run, RunState
from v7migration.pipeline import consolidation, coverage

__all__ = ["chromium"]
pytestmark = pytest.mark.browser
MITIGATION = "Names and values change together with the type."


class Company:
    """The people at their browsers, and the operator's terminal."""

    def __init__(self, chromium: Browser, site: str) -> None:
        self.chromium, self.site = chromium, site
        self.pages: dict[str, Page] = {}

    def at(self, name: str, path: str) -> Page:
        """Let a person open a page, signed in with a password of their own."""
        if name not in self.pages:
            self.pages[name] = sign_in(self.chromium, self.site, name)
        page = self.pages[name]
        page.goto(path)
        return page

    def sign(self, name: str, path: str) -> None:
        """Let a person approve a seat with the password."""
        page = self.at(name, path)
        assert page.locator("script").count() == 0
        page.check("[name=decision][value=approved]")
        page.fill("#sign-form [name=password]", PASSWORD)
        press(page, "#sign-form button[type=submit]")

    def terminal(self, *arguments: str, code: int = 0, **variables: str) -> str:
        """Run a command as the operator does, and return what it prints."""
        done = subprocess.run(
            [sys.executable, str(PROJECT_DIR / "manage.py"), *arguments],
            env={**os.environ, "V7_PASSWORD": PASSWORD, "COLUMNS": "160", **variables},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == code, (arguments, done.stdout[-2000:], done.stderr[-2000:])
        return done.stdout


def press(page: Page, button: str) -> None:
    """Press a button and wait for the page that it leads to, which must not say no."""
    with page.expect_navigation():
        page.locator(button).first.click()
    refusals = page.locator(".v7-note.bad[role=alert]")
    assert refusals.count() == 0, refusals.first.inner_text()


@pytest.fixture
def company(world: World, chromium: Browser, tmp_path: Path) -> Iterator[Company]:
    """The people of the tests, with their browsers at the served site, on a target that nobody has touched."""
    with served(port=site_port(8700), log=tmp_path / "site.log") as url:
        yield Company(chromium, url)


def test_the_database_phase_from_its_first_line_to_phase_4_complete(company: Company, tmp_path: Path) -> None:
    document(company)
    assess(company)
    review(company)
    execute(company)
    validate(company)
    integrate(company, tmp_path)
    complete(company)
    found = json.loads(company.terminal("v7_status", "--document", "--json"))
    assert [(line["place"], line["text"], line["said"]) for line in found["lines"] if not line["met"]] == []
    assert Phase.objects.get(phase_number=4).status == "completed"
    assert set(SubworkflowTask.objects.filter(parent_phase__phase_number=4).values_list("status", flat=True)) == {
        "completed"
    }
    sys.stdout.write(company.terminal("v7_status", "--document"))


def document(company: Company) -> None:
    """2.1.1: The Architect takes the inventory; the lead starts the phase."""
    press(company.at("lena", "/phases/4/"), "button[formaction$='/start/']")
    company.terminal("v7_inventory", "--as", "ada")


def assess(company: Company) -> None:
    """2.1.3: Guardians decide and assess, Workflow Personas speak, a reviewer reads, The Architect approves."""
    for group in consolidation.waiting():
        press(company.at("dana", f"{consolidation.PAGE}{group.key}/"), "button[name=verdict][value=accepted]")
    company.terminal("v7_inventory", "--only", "code", "--as", "ada")
    for place in sorted({cell.place for cell in coverage.look().open}, key=lambda place: str(place.layer)):
        guardian = holders_of(place.persona).first()
        page = company.at(
            guardian.username if guardian else "ada", f"/impacts/new/?layer={coverage.layer_word(place.layer)}"
        )
        page.fill("[name=mitigation_strategy]", MITIGATION)
        press(page, "button.primary[type=submit]")
    for impact in GlobalImpact.objects.exclude(approval_status=ImpactStatus.APPROVED):
        decide(company, impact)
    assert coverage.look().is_complete


def decide(company: Company, impact: GlobalImpact) -> None:
    """Take an impact to its approval on its page."""
    where = f"/impacts/{impact.pk}/"
    missing = [voice for voice in coverage.voices(impact) if voice.is_missing]
    for name in {holders_of(voice.persona)[0].username for voice in missing}:
        page = company.at(name, where)
        for box in page.locator("textarea[name^=said-]").all():
            box.fill("The names of states stay as people know them.")
        press(page, "form[action$='/business/'] button")
    press(company.at("dana", where), "button[formaction$='/review/']")
    press(company.at("ada", where), "button[formaction$='/approve/']")


def review(company: Company) -> None:
    """2.1.2 and the approvals before: rehearse, review, accept by name, freeze, three signatures."""
    company.terminal("v7_rehearse", "--as", "sam")
    company.terminal("v7_review", "--as", "lena")
    page = company.at("lena", f"/reviews/{Review.objects.latest('at').pk}/")
    for box in page.locator("input[name=finding]").all():
        box.check()
    page.locator("form[aria-label='Accept findings'] [name=reason]").fill("They only refuse; Section 9 drops them.")
    press(page, "form[aria-label='Accept findings'] button")
    company.terminal("v7_freeze", "--as", "lena")
    in_dart(company, "lena", "Revi3wTask01")
    digest = Changeset.objects.latest("frozen_at").digest
    for seat, name in (("script-review", "lena"), ("rehearsal", "sam"), ("execution", "ada")):
        company.sign(name, f"/changesets/{digest}/sign/{seat}/")


def execute(company: Company) -> None:
    """2.2: the operator executes; the tasks follow."""
    company.terminal("v7_gate")
    company.terminal("v7_execute", "--as", "lena", "--no-input")
    assert Run.objects.get().state == RunState.FINISHED


def validate(company: Company) -> None:
    """2.3.1: the Test Sentinel validates and signs, The Architect countersigns."""
    company.terminal("v7_verify", "--as", "sam")
    run = Run.objects.get().pk
    company.sign("sam", f"/runs/{run}/sign/validation/")
    company.sign("ada", f"/runs/{run}/sign/validation-countersign/")


def integrate(company: Company, folder: Path) -> None:
    """2.3.2: the Dev Team writes the modules, tries the API with a token of its own, and signs."""
    run = Run.objects.get().pk
    company.terminal("v7_integrate", "sqlalchemy", "--out", str(folder / "v7_models.py"), "--as", "dev")
    company.terminal("v7_integrate", "pydantic", "--out", str(folder / "v7_schemas.py"), "--as", "dev")
    page = company.at("dev", "/account/tokens/")
    page.fill("[name=name]", "the journey")
    page.fill("#token-form [name=password]", PASSWORD)
    press(page, "#token-form button")
    secret = page.inner_text("#secret")
    company.terminal("v7_integrate", "api", "--url", company.site, "--as", "dev", V7_API_TOKEN=secret)
    company.sign("dev", f"/runs/{run}/sign/integration/")


def in_dart(company: Company, name: str, dart_id: str) -> None:
    """Record by hand the id of the one task that somebody made in DART: here nothing connects to it."""
    page = company.at(name, "/dart/")
    page.fill("[name=dart_id]", dart_id)
    press(page, "form[action$='/dart/record/'] button")


def complete(company: Company) -> None:
    """7 and 9: the kickoff of Phase 5 is in DART, and The Architect declares the phase complete."""
    run = Run.objects.get().pk
    in_dart(company, "dev", "K1ckoffTask5")
    company.sign("ada", f"/runs/{run}/sign/phase-complete/")
    page = company.at("ada", "/document/")
    assert page.locator("main").inner_text().count("Phase 4 Complete") == 1
