"""Three people sign in a real browser, an operator runs the command, and the page shows the run finish."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.cast import PASSWORD
from tests.environment import site_port
from tests.world import World
from v7migration.connections import PROJECT_DIR
from v7migration.demo.site import served
from v7migration.ledger.models import Run

pytestmark = pytest.mark.browser
ARGUMENTS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
]  # fmt: skip


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        reason = "no Chromium: apt-get install chromium, then python -m pytest -m browser"
        if os.environ.get("V7_REQUIRE_BROWSER") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    # Playwright's own loop forbids synchronous database calls in its thread; they are ours to make.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[str]:
    with served(port=site_port(8300), log=tmp_path / "site.log") as url:
        yield url


def sign_in(chromium: Browser, site: str, name: str) -> Page:
    page = chromium.new_context(base_url=site).new_page()
    page.goto("/login/")
    page.fill("[name=username]", name)
    page.fill("[name=password]", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_url(site)
    return page


def test_three_people_sign_in_the_browser_and_see_the_run_finish(frozen: World, chromium: Browser, site: str) -> None:
    digest = frozen.changeset().digest
    for seat, name in (("script-review", "lena"), ("rehearsal", "sam"), ("execution", "ada")):
        page = sign_in(chromium, site, name)
        page.locator(f"a[href='/changesets/{digest}/sign/{seat}/']").first.click()
        assert page.locator("script").count() == 0
        page.check("[name=decision][value=approved]")
        page.fill("#sign-form [name=password]", PASSWORD)
        page.click("#sign-form button[type=submit]")
        page.wait_for_url(f"**/changesets/{digest}/")
    assert "APPROVED" in page.inner_text("main")
    done = subprocess.run(
        [sys.executable, str(PROJECT_DIR / "manage.py"), "v7_execute", "--as", "lena", "--no-input"],
        env={**os.environ, "V7_PASSWORD": PASSWORD}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    page.goto(f"/runs/{Run.objects.get().pk}/")
    text = page.inner_text("main")
    assert "finished" in text
    assert "8 / 12 / 3" in text
    page.goto("/admin/")
    assert "EXECUTED" in page.inner_text("main")


def test_a_wrong_password_signs_nothing_and_says_so(frozen: World, chromium: Browser, site: str) -> None:
    digest = frozen.changeset().digest
    page = sign_in(chromium, site, "lena")
    page.goto(f"/changesets/{digest}/sign/script-review/")
    page.check("[name=decision][value=approved]")
    page.fill("#sign-form [name=password]", "not the password")
    page.click("#sign-form button[type=submit]")
    assert "The password is not right" in page.inner_text("body")
    page.goto(f"/changesets/{digest}/")
    assert "PENDING APPROVAL" in page.inner_text("main")


def test_the_architect_cannot_sign_before_the_others(frozen: World, chromium: Browser, site: str) -> None:
    page = sign_in(chromium, site, "ada")
    page.goto(f"/changesets/{frozen.changeset().digest}/sign/execution/")
    page.check("[name=decision][value=approved]")
    page.fill("#sign-form [name=password]", PASSWORD)
    page.click("#sign-form button[type=submit]")
    assert "waits for DB Team Lead" in page.inner_text("body")
