"""Many at once: signers who revoke around every COMMIT, writers while the home moves, twenty runners."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.db import connections

from approvals import services
from approvals.gates import Subject
from approvals.models import Revocation, Signature
from approvals.selectors import signatures_of
from tests.cast import PASSWORD
from tests.troubled import Session, assert_executed, in_ledger, open_fences, undisturbed
from tests.world import Quiet, World
from tracking import home, moving
from tracking.actors import Actor
from tracking.models import GlobalImpact, SubworkflowTask
from tracking.services import impact_create
from tracking.services.writing import locked
from v7migration.connections import PROJECT_DIR
from v7migration.errors import Fenced, GateClosed, StaleForm, V7Error
from v7migration.ledger.models import Run
from v7migration.pipeline import gatekeeper, sign
from v7migration.postgres import runner

RACES = int(os.environ.get("V7_RACES", "8"))
"""Steps that meet a revocation at a random moment, picked at random; each takes a start of the run, about 0.5 s."""
INDEX, POPULATION = "7.2", "10.1"


@pytest.fixture(scope="module", autouse=True)
def known() -> None:
    """Reach every stage before a test begins."""
    undisturbed()


# -- a revocation around each COMMIT --------------------------------------------------------------------------------


@dataclass
class Race:
    """A signer who takes his signature back once, in a thread with a session of its own, when he is let go."""

    world: World
    go: threading.Event = field(default_factory=threading.Event)
    delay: float = 0.0
    recorded: float = 0.0
    refusal: str = ""

    def __post_init__(self) -> None:
        digest = self.world.changeset().digest
        living = [s for s in signatures_of(Subject("changeset", digest)) if s.seat == "execution"]
        revoked = set(Revocation.objects.values_list("signature_id", flat=True))
        self.signature: Signature = next(s for s in living if s.pk not in revoked)
        self.ada = self.world.user("ada")
        self.thread = threading.Thread(target=self._revoke)
        self.thread.start()

    def _revoke(self) -> None:
        try:
            connections["default"].ensure_connection()
            self.go.wait(20)
            time.sleep(self.delay)
            sign.revoke(signature=self.signature, person=self.ada, password=PASSWORD, reason="Not now")
            self.recorded = time.monotonic()
        except V7Error as refusal:
            self.refusal = str(refusal)
        finally:
            connections.close_all()

    def over(self) -> None:
        """Wait until the revocation is recorded or refused."""
        self.go.set()
        self.thread.join(20)
        assert not self.thread.is_alive()


@dataclass
class Commits:
    """The COMMITs that the runner sends to the target: step, when it is sent, when it is acknowledged."""

    before: Callable[[str], None] = lambda step: None
    seen: list[tuple[str, float, float]] = field(default_factory=list)

    @contextmanager
    def heard(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        commit = runner._commit

        def heard(connection: Any, step: Any) -> None:
            self.before(step.key)
            sent = time.monotonic()
            commit(connection, step)
            self.seen.append((step.key, sent, time.monotonic()))

        with monkeypatch.context() as patched:
            patched.setattr(runner, "_commit", heard)
            yield


class Starting(Quiet):
    """A reporter that lets a race go when a step begins, and lets it be over when the last one does: a busy machine
    may hold one of the two racers up for longer than the rest of the run takes."""

    def __init__(self, key: str, race: Race) -> None:
        super().__init__()
        self.key, self.race = key, race

    def step(self, step: object, state: str, milliseconds: float) -> None:
        super().step(step, state, milliseconds)
        if getattr(step, "key", "") == self.key and state == "running":
            self.race.go.set()
        elif getattr(step, "key", "") == POPULATION and state == "running":
            self.race.over()


class Following(Quiet):
    """A reporter that lets a race which has begun be over before the next step begins."""

    def __init__(self, race: Race) -> None:
        super().__init__()
        self.race = race

    def step(self, step: object, state: str, milliseconds: float) -> None:
        super().step(step, state, milliseconds)
        if state == "running" and self.race.go.is_set():
            self.race.over()


def _assert_none_committed_after(race: Race, seen: list[tuple[str, float, float]]) -> None:
    late = [key for key, sent, _ in seen if race.recorded and sent > race.recorded]
    assert not late, f"the COMMIT of step {late} was sent after the revocation had been recorded"


def _sign_again(world: World) -> None:
    """Sign again as the product's page would not (the target has begun to change), so that one run meets every race."""
    changeset = world.changeset()
    services.sign(
        subject=Subject("changeset", changeset.digest), seat="execution", person=world.user("ada"), password=PASSWORD,
        decision="approved", reason="", address="127.0.0.1", facts=lambda: gatekeeper.facts(changeset),
        shown_digest=changeset.digest,
    )  # fmt: skip


def test_a_revocation_within_the_window_of_each_commit_is_recorded_after_it_and_stops_the_next(
    signed: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key in [key for key in list(undisturbed().steps) if key != INDEX]:
        race = Race(signed)
        signed.reporter = Following(race)

        def let_go(step: str, key: str = key, race: Race = race) -> None:
            if step == key:
                race.go.set()
                time.sleep(0.015)

        commits = Commits(let_go)
        with commits.heard(monkeypatch):
            if key == POPULATION:
                signed.execute()
            else:
                with pytest.raises(GateClosed, match="revoked the signature"):
                    signed.execute()
        race.over()
        assert commits.seen[-1][0] == key
        _assert_none_committed_after(race, commits.seen)
        assert race.recorded > commits.seen[-1][2] or race.refusal or race.recorded > commits.seen[-1][1]
        if key != POPULATION:
            assert race.recorded, race.refusal
            _sign_again(signed)
    assert_executed(signed)


def test_a_revocation_at_any_moment_of_a_step_either_finds_it_committed_or_has_it_rolled_back(
    signed: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcomes: Counter[str] = Counter()
    keys = list(undisturbed().steps)[:-1]
    for key in sorted(random.sample(keys, min(RACES, len(keys))), key=keys.index):
        race = Race(signed, delay=random.uniform(0, 0.03))  # noqa: S311
        signed.reporter = Starting(key, race)
        commits = Commits()
        with commits.heard(monkeypatch):
            with pytest.raises(GateClosed, match=r"revoked the signature|has not been"):
                signed.execute()
        race.over()
        assert race.recorded, race.refusal
        _assert_none_committed_after(race, commits.seen)
        run, committed = Run.objects.get(), key in in_ledger(signed)
        assert committed == (run.steps.filter(key=key).latest("id").state == "committed")
        outcomes["committed, then revoked" if committed else "revoked, so rolled back"] += 1
        _sign_again(signed)
    signed.reporter = Quiet()
    signed.execute()
    assert_executed(signed)
    print(dict(outcomes))  # noqa: T201


# -- writers while the home moves -----------------------------------------------------------------------------------

MOVES = int(os.environ.get("V7_MOVES", "40"))
WRITERS = 8


@dataclass
class Written:
    """What one writer was told: tokens of filed impacts, tokens of notes on its task, tokens that were refused."""

    task: str
    filed: list[str] = field(default_factory=list)
    noted: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    kinds: dict[str, int] = field(default_factory=dict)


def _move_home(target: Session) -> None:
    """Bring the rows home as a rollback does: fence closed, rows copied, target emptied, planning home opened."""
    moving.close_fence(target)
    moving.bring_home(target)
    while not _emptied(target):
        time.sleep(0.02)
    moving.open_planning_home()


def _emptied(target: Session) -> bool:
    """Empty the target as Section 9 does: it gives way when a lock is taken."""
    try:
        with target.transaction():
            _empty(target)
    except psycopg.errors.LockNotAvailable:
        return False
    return True


def _empty(target: Session) -> None:
    target.execute("SET LOCAL search_path = public, v7_monitoring, v7_history, migration_gate")
    target.execute("SET LOCAL lock_timeout = '300ms'")
    target.execute("LOCK TABLE " + ", ".join(table.name for table in moving.tracked_tables()))
    target.execute("UPDATE migration_gate.fence SET is_open = true")
    for table in reversed(moving.tracked_tables()):
        target.execute(f"DELETE FROM {table.name}")
    target.execute("UPDATE migration_gate.fence SET is_open = false")


def _move_out(target: Session) -> None:
    """Populate the target as a run does: planning fence closed, the last step's transaction, the home switched."""
    moving.close_fence(moving.control_connection())
    with target.transaction():
        target.execute("SET LOCAL search_path = public, v7_monitoring, v7_history, migration_gate")
        target.execute(moving.render_population().encode())
        moving.populate(target)
    moving.open_planning_home(home=home.LIVE)


def _write_until(stop: Path, number: int, task: UUID) -> Written:
    """Write through the product until the file is there: file an impact, or note something on the own task."""
    told = Written(str(task))
    dana = Actor("dana", frozenset({"Data Sentinel"}))
    for turn in range(1_000_000):
        if stop.exists():
            break
        token = f"writer {number} turn {turn}"
        try:
            if turn % 8 == 0:
                impact_create(actor=dana, reason=token, change_type="enum", impact_description=token)
                told.filed.append(token)
            else:
                with home.writing(person="dana", reason=token) as alias:
                    row = locked(SubworkflowTask(pk=task), alias)
                    row.notes = token
                    row.save()
                told.noted.append(token)
        except (Fenced, StaleForm) as refusal:
            told.refused.append(token)
            told.kinds[type(refusal).__name__] = told.kinds.get(type(refusal).__name__, 0) + 1
        time.sleep(random.uniform(0.02, 0.06))  # noqa: S311
    return told


def _in_children(work: list[Callable[[], Written]], place: Path) -> list[int]:
    """Start each piece of work in a process of its own, which leaves what it was told in a file."""
    connections.close_all()
    children = []
    for number, one in enumerate(work):
        child = os.fork()
        if child == 0:
            status = 1
            try:
                (place / f"{number}.json").write_text(json.dumps(one().__dict__))
                status = 0
            except BaseException:  # noqa: BLE001 (the child must never return into pytest)
                traceback.print_exc()
            finally:
                os._exit(status)
        children.append(child)
    return children


def test_eight_writers_lose_nothing_while_the_home_moves_again_and_again(executed: World, tmp_path: Path) -> None:
    tasks = list(SubworkflowTask.objects.order_by("parent_phase", "task_number").values_list("pk", flat=True))[:WRITERS]
    stop = tmp_path / "stop"
    children = _in_children(
        [lambda n=n, task=task: _write_until(stop, n, task) for n, task in enumerate(tasks)],  # type: ignore[misc]
        tmp_path,
    )
    started = time.monotonic()
    try:
        with executed.runner() as target:
            for move in range(MOVES):
                (_move_home if move % 2 == 0 else _move_out)(target)
                assert open_fences() == [("default", "target")[move % 2]]
                time.sleep(0.05)
    finally:
        seconds = time.monotonic() - started
        stop.touch()
        ended = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    assert ended == [0] * WRITERS
    told = [Written(**json.loads((tmp_path / f"{n}.json").read_text())) for n in range(WRITERS)]
    _assert_written_once(told)
    written, refused = sum(len(t.filed) + len(t.noted) for t in told), sum(len(t.refused) for t in told)
    kinds = sum((Counter(t.kinds) for t in told), Counter())
    print(f"{MOVES} moves in {seconds:.1f} s; {written} writes acknowledged, {refused} refused {dict(kinds)}")  # noqa: T201
    assert written >= MOVES and refused


def _assert_written_once(told: list[Written]) -> None:
    """Compare what the writers were told with the rows and the history of the home."""
    alias = home.alias()
    impacts = Counter(GlobalImpact._base_manager.using(alias).values_list("impact_description", flat=True))
    filed = Counter(GlobalImpact.history.using(alias).values_list("history_change_reason", flat=True))
    noted = Counter(SubworkflowTask.history.using(alias).values_list("history_change_reason", flat=True))
    notes = {str(pk): text for pk, text in SubworkflowTask._base_manager.using(alias).values_list("pk", "notes")}
    for one in told:
        assert [(impacts[token], filed[token]) for token in one.filed] == [(1, 1)] * len(one.filed)
        assert [noted[token] for token in one.noted] == [1] * len(one.noted)
        assert not one.noted or notes[one.task] == one.noted[-1]
        assert not [token for token in one.refused if impacts[token] or filed[token] or noted[token]]


# -- twenty runners -------------------------------------------------------------------------------------------------


def test_of_twenty_runners_at_once_one_runs_and_nineteen_are_told_who(signed: World) -> None:
    command = [sys.executable, str(PROJECT_DIR / "manage.py"), "v7_execute", "--as", "lena", "--no-input"]
    environment = {**os.environ, "V7_PASSWORD": PASSWORD}
    reader = signed.owner()
    try:
        reader.execute("BEGIN")
        reader.execute("SELECT FROM public.file_audit LIMIT 1")  # the one that runs cannot end before the others came
        runners = [
            subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            for _ in range(20)
        ]
        while sum(process.poll() is None for process in runners) > 1:
            time.sleep(0.05)
    finally:
        reader.close()
    said = [process.communicate()[1] for process in runners]
    codes = Counter(process.returncode for process in runners)
    assert codes == {0: 1, 5: 19}, said
    losers = [text for process, text in zip(runners, said, strict=True) if process.returncode]
    told = [text for text in losers if "Another run is at work on this target: v7_execute by lena" in text]
    assert len(told) == 19, [text for text in losers if text not in told]
    assert Run.objects.count() == 1
    assert_executed(signed)
