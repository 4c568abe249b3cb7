"""The demo after the run: validation, integration, the last signatures, and the document line by line."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.auth.models import User

from approvals import gates
from approvals.gates import APPROVED, REJECTED, Subject
from approvals.selectors import signature_facts
from v7migration.demo import by_hand
from v7migration.errors import StepFailed
from v7migration.ledger.models import Run
from v7migration.management.printing import print_checks, print_document
from v7migration.pipeline.document import document
from v7migration.pipeline.integrate.api_trial import prove_api
from v7migration.pipeline.integrate.generating import generate_pydantic, generate_sqlalchemy
from v7migration.pipeline.integrate.proving import prove_module
from v7migration.pipeline.verify import validate, verify

if TYPE_CHECKING:
    from v7migration.demo.scenario import Scenario

SIGNERS = {"validation": "sam", "validation-countersign": "ada", "integration": "dev", "phase-complete": "ada"}
SECRET = re.compile(r"id=\"secret\">(v7t_[\w-]+)<")
REVOKE = re.compile(r"action=\"/(account/tokens/[0-9a-f-]+/revoke/)\"")
TOKEN = "The demo's trial of the API"  # noqa: S105 (the name of a token)


class After:
    """What people do once the run is finished; whatever is done already is left as it is."""

    def __init__(self, scenario: Scenario, run: Run) -> None:
        self.scenario, self.run = scenario, run
        self.page = f"runs/{run.pk}/"

    def walk(self) -> None:
        """Validate, integrate, sign, and print the document.

        Raises:
            StepFailed: a check does not hold, or a seat was rejected.
        """
        self.validate()
        self.sign("validation", "validation-countersign")
        self.integrate()
        by_hand.record_task(self.scenario, self.run)
        self.sign("integration")
        by_hand.record_what_waits(self.scenario)
        self.sign("phase-complete")
        self.show()

    def _person(self, name: str) -> User:
        return User.objects.get(username=name)

    def _states(self) -> dict[str, gates.SeatState]:
        facts = signature_facts(Subject("run", str(self.run.pk)))
        return {state.seat.key: state for state in gates.seat_states(gates.AFTER, facts)}

    def validate(self) -> None:
        """Let the Test Sentinel validate; once that is signed, only verify."""
        signed = self._states()["validation"].state == APPROVED
        self.scenario.heading("Verify (2.3.1, 4.2, 4.3)" if signed else "Validation (2.3.1, 4.2, 4.3), as sam")
        found = verify(person="sam") if signed else validate(person=self._person("sam"))
        print_checks(self.scenario.say, [check.as_dict() for check in found.checks])
        if not found.ok:
            raise StepFailed("A check does not hold; see the lines marked ✗.", "See v7_verify.")

    def sign(self, *seats: str) -> None:
        """Let each seat's person sign in a browser, where nobody has."""
        for key in seats:
            state, name = self._states()[key], SIGNERS[key]
            where = f"{self.page}sign/{key}/"
            if state.state == REJECTED:
                raise StepFailed(
                    f"{state.seat.meaning} was rejected by {state.signed_by}: {state.reason}",
                    f"See {self.scenario.url}{self.page} ; begin anew with v7_demo --reset.",
                )
            if state.state != APPROVED:
                password = self.scenario.passwords[name]
                self.scenario.browser(name).post(where, decision="approved", reason="", password=password)
            self.scenario.say(f"{state.seat.persona:<15} {state.seat.meaning}: {name} signed at {where}")

    def integrate(self) -> None:
        """Let the Dev Team write the modules, try the API with a token of its own, and prove each."""
        if self._states()["integration"].state == APPROVED:
            return
        self.scenario.heading("Integration (2.3.2), as dev")
        folder = Path(settings.STATE_DIR) / "integration"
        folder.mkdir(exist_ok=True)
        dev = self._person("dev")
        for generate, name in ((generate_sqlalchemy, "v7_models.py"), (generate_pydantic, "v7_schemas.py")):
            proof = prove_module(generate(out=folder / name), person=dev)
            self.scenario.say(f"{folder / name}: {proof['said']}")
        self._with_token(lambda secret: self.scenario.say(self._prove_api(secret, dev)))

    def _prove_api(self, secret: str, dev: User) -> str:
        proof = prove_api(url=self.scenario.url, token=secret, person=dev)
        if not proof["ok"]:
            raise StepFailed(proof["said"], "See the site's log.")
        return str(proof["said"])

    def _with_token(self, work: Callable[[str], None]) -> None:
        """Lend a personal token that dev makes on the page, and revoke it."""
        browser, password = self.scenario.browser("dev"), self.scenario.passwords["dev"]
        shown = browser.post("account/tokens/", name=TOKEN, days="1", password=password)
        secret = SECRET.search(shown)
        if secret is None:
            raise StepFailed("The page of tokens shows no token.", f"See {self.scenario.url}account/tokens/")
        try:
            work(secret[1])
        finally:
            for path in REVOKE.findall(browser.get("account/tokens/")):
                browser.post(path, form="account/tokens/")

    def show(self) -> None:
        """Print every line of the document with its evidence."""
        self.scenario.heading("The document, line by line")
        print_document(self.scenario.console, document())
