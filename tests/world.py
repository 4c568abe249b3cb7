"""Both databases at a stage of the workflow, reached by the real pipeline and kept as templates.

A test gets fresh copies; what it commits is gone with them. (A flush would empty what migrations wrote, and
the append-only tables refuse it.)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import psycopg
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connections
from django.test import Client
from psycopg import sql

from approvals.selectors import holders_of, personas_of
from approvals.services import person_create
from tests.cast import CAST, PASSWORD, SUPERUSER
from tests.environment import SERVERS, url
from tracking import home
from tracking.actors import Actor
from tracking.models import GlobalImpact, Phase, SubworkflowTask
from tracking.selectors import phase_tasks
from tracking.services import impact_review, phase_submit_for_review, task_carry
from v7migration import connections as places
from v7migration.demo.target import build_target
from v7migration.ledger.models import Changeset, Incident, Review, Run
from v7migration.pipeline import (
    acceptance,
    consolidation,
    coverage,
    gatekeeper,
    incidents,
    inventory,
    phases,
    review,
    review_gates,
    sign,
)
from v7migration.pipeline.execute import execute
from v7migration.pipeline.rehearse import rehearse
from v7migration.pipeline.rollback import authorize, find_run, rollback

DATABASES = ("v7_control", "v7_target")


class Quiet:
    """A reporter that remembers what it was told."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, ...]] = []

    def note(self, sentence: str) -> None:
        self.lines.append(("note", sentence))

    def section(self, section: object, reason: str) -> None:
        self.lines.append(("section", str(getattr(section, "number", "")), reason))

    def step(self, step: object, state: str, milliseconds: float) -> None:
        self.lines.append(("step", str(getattr(step, "key", "")), state))

    def statement(self, number: int, total: int, line: int) -> None:
        self.lines.append(("statement", str(number), str(line)))

    def waiting(self, attempt: int, blocking: list[dict[str, object]], pause: float) -> None:
        self.lines.append(("waiting", str(attempt), str(blocking)))

    def lasting(self, seconds: float, blocking: list[dict[str, object]]) -> None:
        self.lasted = seconds


@dataclass
class World:
    """What a test can do without ceremony; everything goes through the product's own services."""

    stage: str
    reporter: Quiet = field(default_factory=Quiet)

    def user(self, name: str) -> User:
        """Return the account of one of the cast."""
        return User.objects.get(username=name)

    def actor(self, name: str) -> Actor:
        """Return the person as the tracking services know it."""
        return Actor(name, personas_of(self.user(name)))

    def client(self, name: str) -> Client:
        """Return a browser in which this person has signed in."""
        client = Client()
        client.force_login(self.user(name), backend="django.contrib.auth.backends.ModelBackend")
        return client

    def owner(self) -> psycopg.Connection[tuple[object, ...]]:
        """Open the target as its owner, as a DBA with psql would."""
        return psycopg.connect(url("owner"), autocommit=True)

    def runner(self) -> psycopg.Connection[tuple[object, ...]]:
        """Open the target as the runner."""
        return psycopg.connect(url("runner"), autocommit=True)

    def control_owner(self) -> psycopg.Connection[tuple[object, ...]]:
        """Open the control plane as its owner."""
        return psycopg.connect(url("control_owner"), autocommit=True)

    def web(self, name: str = "target") -> psycopg.Connection[tuple[object, ...]]:
        """Open the target (or ``default``) as the web role."""
        return psycopg.connect(url(name), autocommit=True)

    def finish_task(self, number: int, name: str) -> None:
        """Take a task of Phase 4 to its end without its evidence, where a test is about something else."""
        task = SubworkflowTask.objects.get(parent_phase__phase_number=4, task_number=number)
        task_carry(task=task, actor=self.actor(name), reason="done in the test", is_complete=True)

    def accept_groups(self, name: str = "dana") -> None:
        """Accept every group of duplicated ENUM types that waits, as it is proposed."""
        for group in consolidation.waiting():
            consolidation.accept(actor=self.actor(name), group=group)

    def cover(self) -> None:
        """Let every layer be assessed: guardians file, Workflow Personas speak, The Architect approves."""
        if coverage.look().gaps:
            inventory.take(actor=self.actor("ada"), only="code")
        for layer in sorted({cell.layer for cell in coverage.look().open}, key=str):
            self.approve_impact(self.assess(layer))

    def assess(self, layer: int | None, change: str = "") -> GlobalImpact:
        """File the assessment of a layer as it is drafted, by whoever answers for it; one change or all open ones."""
        draft = coverage.draft(layer=layer, change=change)
        assert draft is not None
        first = dict(draft.initial)
        assessed = coverage.Assessed(tuple(first.pop("changes")), first.pop("breaking"), first.pop("code_map"))
        guardian = holders_of(draft.cells[0].place.persona)[0].username
        content = first | {"mitigation_strategy": "The names change together with the type."}
        return coverage.file_impact(actor=self.actor(guardian), assessed=assessed, content=content)

    def approve_impact(self, impact: GlobalImpact) -> GlobalImpact:
        """Take an impact through business impact and review to its approval."""
        for voice in coverage.voices(impact):
            if voice.is_missing:
                speaker = self.actor(holders_of(voice.persona)[0].username)
                coverage.record_business_impact(
                    impact=impact, actor=speaker, said={voice.workflow: "None to speak of."}
                )
        impact = impact_review(impact=impact, actor=self.actor("dana"))
        return coverage.approve(impact=impact, actor=self.actor("ada"))

    def rehearse(self) -> None:
        """Rehearse the script with the planning rows of now, once every accepted change is assessed."""
        if home.read() == home.PLANNING:
            self.cover()
        rehearsal = rehearse(content=gatekeeper.rendered_script(gatekeeper.source_bytes()), person="sam")
        assert rehearsal.ok, rehearsal.report["failures"]

    def rehearse_with_inventory(self) -> None:
        """Take the inventory, accept its groups of duplicated types, and rehearse."""
        inventory.take(actor=self.actor("ada"))
        self.accept_groups()
        self.rehearse()

    def freeze(self, name: str = "lena") -> Changeset:
        """Review, let a DB Team Lead accept by name what must be accepted, and freeze as this person."""
        if home.read() == home.PLANNING:
            self.accept_findings()
        return sign.freeze(person=self.user(name))

    def accept_findings(self, reason: str = "It was read and may stand.") -> Review:
        """Review the script with the planning rows of now and accept whatever must be accepted in it."""
        found = review.record(gatekeeper.rendered_script(gatekeeper.source_bytes()), person=self.user("lena"))
        waiting = acceptance.waiting(found.script_id, found.document["findings"])
        if waiting:
            keys = [acceptance.key_of(finding) for finding in waiting]
            acceptance.accept(review=found, person=self.user("lena"), keys=keys, reason=reason)
        return found

    def sign(self, seat: str, name: str, decision: str = "approved", **changes: str) -> object:
        """Sign a seat of the newest changeset."""
        changeset = self.changeset()
        words = {"password": PASSWORD, "reason": "", "shown_digest": changeset.digest} | changes
        return sign.sign_changeset(changeset=changeset, seat=seat, person=self.user(name), decision=decision, **words)

    def sign_phase(self, number: int, name: str = "ada", decision: str = "approved", **changes: str) -> object:
        """Sign the review gate of a phase."""
        shown = {"shown_digest": review_gates.facts(number).digest}
        words = {"seat": "phase-review", "password": PASSWORD, "reason": "", **shown} | changes
        return sign.sign_phase(number=number, person=self.user(name), decision=decision, **words)

    def close_tasks(self, number: int) -> None:
        """Take every task of a phase to its end, where a test is about something else."""
        for task in phase_tasks(number):
            task_carry(task=task, actor=self.actor("ada"), reason="done in the test", is_complete=True)

    def review_phase(self, number: int) -> Phase:
        """Start a phase and submit it for review, as The Architect."""
        phase = phases.start(phase=Phase.objects.get(phase_number=number), actor=self.actor("ada"))
        return phase_submit_for_review(phase=phase, actor=self.actor("ada"))

    def complete_phase(self, number: int) -> Phase:
        """Take a phase from its start over its signed review gate to its end."""
        self.review_phase(number)
        self.close_tasks(number)
        self.sign_phase(number)
        return phases.complete(phase=Phase.objects.get(phase_number=number), actor=self.actor("ada"))

    def sign_all(self) -> None:
        """Collect the three signatures."""
        for seat, name in (("script-review", "lena"), ("rehearsal", "sam"), ("execution", "ada")):
            self.sign(seat, name)

    def changeset(self) -> Changeset:
        """Return the newest changeset."""
        return gatekeeper.find(None)

    def execute(self, name: str = "lena") -> Run:
        """Execute the newest changeset."""
        return execute(changeset=self.changeset(), operator=self.user(name), reporter=self.reporter)

    def roll_back(self, incident: str = "a trial of the way back") -> Run:
        """Take the standing run back in an incident."""
        run = find_run()
        operator = self.user("lena")
        return rollback(run=run, operator=operator, right=authorize(run=run, operator=operator, incident=incident))

    def settle_incident(self, incident: Incident, root_cause: str = "A row too many.") -> Incident:
        """Let the DB Team Lead document an incident and The Architect review it."""
        words = {"root_cause": root_cause, "remediation": "It was taken away."}
        incidents.document(incident=incident, person=self.user("lena"), **words)
        return incidents.review(incident=incident, person=self.user("ada"), approve=True, note="Agreed.")


# -- stages ----------------------------------------------------------------------------------------------------


def _migrated(world: World) -> None:
    """An empty target, a migrated control plane, the cast."""
    for database in DATABASES:
        with administrator(database) as admin:
            admin.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(_name("empty", database), _id(database)))
    entry = places.django_database(url("control_owner"), search_path="public")
    web = dict(connections["default"].settings_dict)
    connections["default"].settings_dict.update({k: entry[k] for k in ("USER", "PASSWORD")})
    call_command("migrate", verbosity=0)
    connections.close_all()
    connections["default"].settings_dict.update({k: web[k] for k in ("USER", "PASSWORD")})
    for name, personas in CAST.items():
        person_create(
            username=name, password=PASSWORD, personas=list(personas), full_name=f"{name.title()} Test",
            email=f"{name}@example.org", superuser=False, by=None,
        )  # fmt: skip
    person_create(
        username=SUPERUSER, password=PASSWORD, personas=[], full_name="Root Test", email="", superuser=True, by=None
    )


def _fresh(world: World) -> None:
    """The demo's legacy target."""
    with psycopg.connect(url("owner")) as connection:
        build_target(connection)


def _mapped(world: World) -> None:
    """Inventory taken, its groups accepted, and the accepted changes mapped onto the code: nobody has assessed them."""
    inventory.take(actor=world.actor("ada"))
    world.accept_groups()
    inventory.take(actor=world.actor("ada"), only="code")


def _frozen(world: World) -> None:
    """Every layer assessed, rehearsed, reviewed, frozen."""
    world.cover()
    world.rehearse()
    world.freeze()


STAGES: dict[str, tuple[str | None, Callable[[World], object]]] = {
    "migrated": (None, _migrated),
    "fresh": ("migrated", _fresh),
    "mapped": ("fresh", _mapped),
    "frozen": ("mapped", _frozen),
    "signed": ("frozen", World.sign_all),
    "executed": ("signed", World.execute),
}
_built: set[str] = set()


def world_at(stage: str) -> World:
    """Put both databases at a stage and return the world."""
    world = World(stage)
    if stage not in _built:
        before, work = STAGES[stage]
        if before is not None:
            world_at(before)
        work(world)
        connections.close_all()
        _keep(stage)
        _built.add(stage)
    _restore(stage)
    return world


def administrator(database: str) -> psycopg.Connection[tuple[object, ...]]:
    """Open a session of the superuser on the server that has a database."""
    return psycopg.connect(SERVERS[database].url("superuser"), autocommit=True)


def _id(name: str) -> sql.Identifier:
    return sql.Identifier(name)


def _name(stage: str, database: str) -> sql.Identifier:
    return sql.Identifier(f"template_{stage}_{database}")


def _keep(stage: str) -> None:
    for database in DATABASES:
        with administrator(database) as admin:
            _disconnect(admin, database)
            admin.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(_name(stage, database), _id(database)))
            _copy_rights(admin, database, f"template_{stage}_{database}")


restored = 0
"""How often the databases were put at a stage: whoever shares a world sees by it that another one took its place."""


def _restore(stage: str) -> None:
    global restored
    restored += 1
    connections.close_all()
    for database in DATABASES:
        with administrator(database) as admin:
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(_id(database)))
            copy = sql.SQL(
                "CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY"
            )  # the other one's sequences survive no crash
            admin.execute(copy.format(_id(database), _name(stage, database)))
            _copy_rights(admin, f"template_{stage}_{database}", database)


def _disconnect(admin: psycopg.Connection[tuple[object, ...]], database: str) -> None:
    admin.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()",
        [database],
    )


def _copy_rights(admin: psycopg.Connection[tuple[object, ...]], source: str, destination: str) -> None:
    """A copied database has no owner and rights of its own: copy them too."""
    admin.execute(
        "UPDATE pg_database AS d SET datacl = s.datacl, datdba = s.datdba FROM pg_database AS s "
        "WHERE s.datname = %s AND d.datname = %s",
        [source, destination],
    )
