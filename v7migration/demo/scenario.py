"""The demo's scenario: walks the public pipeline from wherever it stands, and signs as people do, over HTTP."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
from django.contrib.auth.models import User
from rich.console import Console

from approvals import gates
from approvals.selectors import personas_of, signature_facts
from tracking.actors import Actor
from tracking.catalogue import DATABASE_PHASE
from tracking.choices import ImpactStatus
from tracking.models import EnumMigration, GlobalImpact, Phase
from tracking.selectors import pre_execution_tasks
from v7migration.connections import PROJECT_DIR, runner_url
from v7migration.demo.browser import Browser
from v7migration.demo.by_hand import record_what_waits
from v7migration.demo.cast import CAST
from v7migration.demo.target import build_target
from v7migration.errors import StepFailed
from v7migration.ledger.models import Changeset, Incident, Run, RunState
from v7migration.management.printing import ProgressReporter, print_checks
from v7migration.pipeline import (
    acceptance,
    consolidation,
    coverage,
    emergency,
    gatekeeper,
    incidents,
    inventory,
    review,
    review_gates,
    sign,
)
from v7migration.pipeline.execute import execute
from v7migration.pipeline.rehearse import rehearse
from v7migration.pipeline.target import observe, runner
from v7migration.postgres.queries import run_document_queries
from v7migration.postgres.script import parse, plan_order

SIGNERS = {"script-review": "lena", "rehearsal": "sam", "execution": "ada"}
REVIEWER = "dana"
MITIGATION = "Names and values change together with the type; the old type stays until Phase 7."
ASSESSED = "Assessed from the code map"
BUSINESS = "{} keeps its states; people see no other names while the columns are cast."
WHY_ACCEPTED = "They refuse writes while rows move and jumps of the status, and write history. Section 9 drops them."


def holder(persona: str) -> str:
    """Return the first of the demo's people who holds a persona."""
    return next(member.username for member in CAST if persona in member.personas)


def migrate() -> None:
    """Migrate the control plane in a process of its own: it needs the owner's role, which nothing else gets.

    Raises:
        StepFailed: with what ``migrate`` said.
    """
    command = [sys.executable, str(PROJECT_DIR / "manage.py"), "migrate", "--verbosity", "0"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise StepFailed(f"migrate failed: {done.stderr.strip()[-600:]}", "Begin anew with v7_demo --reset.")


def build() -> bool:
    """Build the demo's legacy target where there is no file_audit yet; say whether it was built."""
    with psycopg.connect(runner_url()) as connection:
        row = connection.execute("SELECT to_regclass('public.file_audit') IS NULL").fetchone()
        if not (row and row[0]):
            return False
        build_target(connection)
    return True


class Scenario:
    """One showing of the demo."""

    def __init__(self, console: Console, url: str, passwords: dict[str, str]) -> None:
        self.console, self.url, self.passwords = console, url, passwords
        self._browsers: dict[str, Browser] = {}

    def say(self, text: str) -> None:
        """Print a line."""
        self.console.print(text, markup=False)

    def heading(self, text: str) -> None:
        """Print a heading."""
        self.console.print(f"\n── {text} ", style="bold")

    def browser(self, name: str) -> Browser:
        """Return the browser of a person, signed in."""
        if name not in self._browsers:
            browser = Browser(self.url)
            browser.sign_in(name, self.passwords[name])
            self._browsers[name] = browser
        return self._browsers[name]

    def prepare(self) -> Changeset:
        """Inventory, impact, tasks, rehearsal and freeze, as far as they are not done; return the changeset."""
        standing = gatekeeper.latest()
        if standing is not None and gatekeeper.run_of(standing) is not None and not _taken_back(standing):
            return standing
        self._close_emergency()
        self.heading("Inventory (2.1.1)")
        person = User.objects.get(username="ada")
        snapshot, result = inventory.take(actor=Actor("ada", personas_of(person)))
        self.say(f"{len(snapshot.enums['types'])} ENUM types, {len(snapshot.enums['groups'])} groups of duplicates")
        self.say(f"{result['proposed']['waiting']} groups wait for a decision")
        if self._decide_on_groups():
            inventory.take(actor=Actor("ada", personas_of(person)), only="code")
        self._cover()
        self._start_phase()
        if standing is not None and not _taken_back(standing) and not self._stale(standing):
            self.say(f"\nChangeset {standing.number} stands as it was frozen; going on with it.")
            return standing
        return self._rehearse_and_freeze()

    def _close_emergency(self) -> None:
        """After a rollback in an emergency: root cause and remediation, by one person, reviewed by another (5.4)."""
        waiting = emergency.unfinished()
        if waiting is None or emergency.taken(waiting) < emergency.VERIFY:
            return
        self.heading("Emergency (5.4): Lena enters root cause and remediation, Ada reviews them")
        for incident in incidents.unreviewed(waiting.run):
            page = f"incidents/{incident.pk}/"
            if incident.state == Incident.State.OPEN:
                remedy = {"root_cause": "A trial of the way back.", "remediation": "None is needed: it worked."}
                self.browser("lena").post(page, action="document", **remedy)
            self.browser("ada").post(page, action="review", verdict="accept", note="Agreed.")
            self.say(f"Reviewed: {incident.title}")

    def _stale(self, changeset: Changeset) -> bool:
        with runner(application_name="v7_demo") as connection:
            found = gatekeeper.staleness(changeset, target=observe(connection))
        for staleness in found:
            self.say(f"Changeset {changeset.number} is stale: {staleness.sentence}")
        return bool(found)

    def _decide_on_groups(self) -> bool:
        """Let Dana accept the groups that wait, each on its page; say whether there were any."""
        waiting = consolidation.waiting()
        if not waiting:
            return False
        self.heading("ENUM groups (2.1.3): Dana, the Data Sentinel, accepts them in the browser")
        for group in waiting:
            reason = f"The types are the same: {group.reason}."
            self.browser("dana").post(f"{consolidation.PAGE[1:]}{group.key}/", verdict="accepted", reason=reason)
        self.say(f"Accepted: {len(waiting)} groups, {EnumMigration.objects.count()} rows of v7_enum_migrations")
        return True

    def _cover(self) -> None:
        """Let the Guardians file what their layers have to assess, and take each impact to its approval."""
        waiting = coverage.look().open
        if not waiting:
            return
        self.heading("Impacts (2.1.3): Guardians file, Workflow Personas and reviewers speak, Ada approves")
        layers = {cell.place for cell in waiting if cell.state in (coverage.State.TO_ASSESS, coverage.State.STALE)}
        for place in sorted(layers, key=lambda place: (place.layer is None, place.layer or 0)):
            self._assess(place)
        open_impacts = {cell.impact.pk: cell.impact for cell in coverage.look().open if cell.impact is not None}
        for impact in open_impacts.values():
            self._move_on(impact)
        self.say(coverage.look().sentence)

    def _assess(self, place: coverage.Place) -> None:
        draft = coverage.draft(layer=place.layer)
        if draft is None:
            return
        fields: dict[str, Any] = {"change_detail": "{}", "mitigation_strategy": MITIGATION, "reason": ASSESSED}
        for key, value in draft.initial.items():
            if key != "code_map":  # a hidden field of the form
                fields[key] = [str(item) for item in value] if isinstance(value, list) else str(value)
        if not draft.initial["breaking"]:
            del fields["breaking"]
        name = holder(place.persona)
        self.browser(name).post(f"impacts/new/?layer={coverage.layer_word(place.layer)}", **fields)
        self.say(f"{place.title}: filed by {name} for {len(draft.chosen)} changes")

    def _move_on(self, impact: GlobalImpact) -> None:
        """Business impact by the Workflow Personas, review, approval: each person on the impact's own page."""
        page = f"impacts/{impact.pk}/"
        speakers: dict[str, dict[str, str]] = {}
        for voice in coverage.voices(impact):
            if voice.is_missing:
                speakers.setdefault(holder(voice.persona), {})[f"said-{voice.workflow}"] = BUSINESS.format(voice.name)
        for name, said in speakers.items():
            self.browser(name).post(f"{page}business/", form=page, **said)
        if impact.approval_status != ImpactStatus.REVIEWING:
            self.browser(REVIEWER).post(f"{page}review/", form=page, reason="Read beside the code map")
        self.browser("ada").post(f"{page}approve/", form=page, reason="Every line that breaks has its answer")

    def _start_phase(self) -> None:
        if Phase.objects.get(phase_number=DATABASE_PHASE).status in review_gates.NOT_BEGUN:
            self.browser("lena").post(f"phases/{DATABASE_PHASE}/start/", form=f"phases/{DATABASE_PHASE}/")

    def _show_tasks(self) -> None:
        """Say who completed the pre-execution tasks: their evidence did, nobody ticked them off."""
        self.heading("Pre-execution tasks, completed by their evidence")
        for task in pre_execution_tasks():
            last = task.history.first()
            by = f" ({last.history_user_id})" if last and task.status == "completed" else ""
            self.say(f"{task.document_number} {task.task_name}: {task.get_status_display().lower()}{by}")

    def _rehearse_and_freeze(self) -> Changeset:
        self.heading("Rehearsal (2.1.2, 4.4) on a scratch server")
        content = gatekeeper.rendered_script(gatekeeper.source_bytes())
        found = rehearse(content=content, person="sam")
        for stage in found.report["stages"]:
            self.say(f"  {'✓' if stage['ok'] else '✗'} {stage['name']:<14} {stage['milliseconds']:>8.1f} ms")
        if not found.ok:
            raise StepFailed(
                f"The rehearsal is red: {found.report['failures'][0]['message']}", "See the changeset's page."
            )
        self._review(content)
        self._show_tasks()
        changeset = sign.freeze(person=User.objects.get(username="lena"))
        self.heading("Freeze")
        self.say(f"Changeset {changeset.number}  {changeset.digest}")
        self.say(f"Target     {changeset.snapshot.target_name}")
        return changeset

    def _review(self, content: bytes) -> None:
        """Review the script as the DB Team Lead, who accepts by name in the browser what must be accepted."""
        self.heading("Script review (2.1.2), as lena")
        found = review.record(content, person=User.objects.get(username="lena"), own_script=True)
        self.say(f"{len(found.document['findings'])} findings, verdict: {found.verdict}")
        waiting = acceptance.waiting(found.script_id, found.document["findings"])
        if waiting:
            keys = [acceptance.key_of(finding) for finding in waiting]
            self.browser("lena").post(f"reviews/{found.pk}/", action="accept", finding=keys, reason=WHY_ACCEPTED)
        for finding in waiting:
            self.say(f"Accepted by name: {finding['id']} in line {finding['line']}: {finding['message']}")

    def sign(self, changeset: Changeset) -> None:
        """Let the three people sign, each at a browser of their own with their own password.

        Raises:
            StepFailed: a seat was rejected or revoked, or the site refused.
        """
        states = gates.seat_states(gates.BEFORE, signature_facts(gates.Subject("changeset", changeset.digest)))
        self.heading("Signatures")
        record_what_waits(self)
        for state in states:
            seat, name = state.seat, SIGNERS[state.seat.key]
            if state.state == "approved":
                self.say(f"{seat.persona:<15} {seat.meaning}: signed by {state.signed_by}")
                continue
            if state.state == "rejected":
                raise StepFailed(
                    f"{seat.meaning} was rejected by {state.signed_by}: {state.reason}",
                    f"See {self.url}changesets/{changeset.digest}/ ; begin anew with v7_demo --reset.",
                )
            page = f"changesets/{changeset.digest}/sign/{seat.key}/"
            self.browser(name).post(page, decision="approved", reason="", password=self.passwords[name])
            self.say(f"{seat.persona:<15} {seat.meaning}: {name} signed at {self.url}{page}")

    def execute(self, changeset: Changeset) -> Run:
        """Execute the signed changeset with a progress display, or go on with its stopped run."""
        run = Run.objects.filter(changeset=changeset, kind=Run.Kind.EXECUTE).first()
        if run is not None and run.state == RunState.FINISHED:
            self.heading(f"Run {run.pk} is finished already")
            return run
        self.heading(f"Before: the document's query 4.1 on {changeset.snapshot.database}")
        with runner(application_name="v7_demo") as connection:
            print_checks(self.say, [c.as_dict() for c in run_document_queries(connection, "before")])
        self.heading(f"Execute (2.2) on {changeset.snapshot.target_name}, as lena")
        order = plan_order(parse(bytes(changeset.script.content)))
        with ProgressReporter(self.console, sum(len(section.steps) for section, _ in order)) as reporter:
            return execute(changeset=changeset, operator=User.objects.get(username="lena"), reporter=reporter)


def _taken_back(changeset: Changeset) -> bool:
    return Run.objects.filter(changeset=changeset, kind=Run.Kind.EXECUTE, state=RunState.ROLLED_BACK).exists()


def people_document(passwords: dict[str, str]) -> list[dict[str, Any]]:
    """Return the people for ``--json``: username, personas, password."""
    return [
        {
            "username": member.username, "full_name": member.full_name, "personas": list(member.personas),
            "password": passwords[member.username], "superuser": member.superuser,
        }
        for member in CAST
    ]  # fmt: skip


def print_people(say: Callable[[str], None], passwords: dict[str, str]) -> None:
    """Print names, personas and passwords."""
    for member in CAST:
        personas = ", ".join(member.personas) or ("staff of the admin" if member.superuser else "")
        say(f"  {member.username:<6} {passwords[member.username] or '(changed)':<22} {member.full_name:<16} {personas}")


def passwords_file(state_dir: Path) -> Path:
    """Return where the demo keeps its passwords."""
    return state_dir / "demo-people.json"
