"""Trouble for a run, and what a run must end as in spite of it: the run that nothing disturbed."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from itertools import count
from typing import Any

import psycopg
from psycopg import sql

from tests import outcome
from tests.killing import _in_a_child
from tests.world import Quiet, World, administrator
from tracking import home
from v7migration.ledger.models import Incident, Run
from v7migration.ledger.services import remediate_incident, review_incident
from v7migration.postgres import runner

Session = psycopg.Connection[Any]


TROUBLE = "SELECT 1 / (SELECT count(*) - 170 FROM public.file_audit);\n"
INSERT_ROW_170 = (
    "INSERT INTO public.file_audit (file_number, file_path, file_name, layer_number, layer_name, status, workflows) "
    "VALUES ('9999', 'src/late.py', 'late.py', 1, 'Models & ENUMs', 'NOVEL', '{WF1}')"
)


class Acting(Quiet):
    """A reporter that does something when a step begins."""

    def __init__(self, key: str, deed: Callable[[], object]) -> None:
        super().__init__()
        self.key, self.deed = key, deed

    def step(self, step: object, state: str, milliseconds: float) -> None:
        super().step(step, state, milliseconds)
        if getattr(step, "key", "") == self.key and state == "running":
            self.deed()


class Doing(Quiet):
    """A reporter that does something once, when the first statement of a step begins."""

    def __init__(self, key: str, deed: Callable[[], object]) -> None:
        super().__init__()
        self.key, self.deed, self.current, self.done = key, deed, "", False

    def step(self, step: object, state: str, milliseconds: float) -> None:
        super().step(step, state, milliseconds)
        self.current = str(getattr(step, "key", ""))

    def statement(self, number: int, total: int, line: int) -> None:
        super().statement(number, total, line)
        if self.current == self.key and not self.done:
            self.done = True
            self.deed()


@cache
def undisturbed() -> outcome.Undisturbed:
    """Return what a run without trouble starts from and leads to; both databases are put to other stages meanwhile."""
    return outcome.undisturbed()


def assert_executed(world: World, *, incidents: int = 0) -> None:
    """Assert that the run ended as the undisturbed one, but for so many incidents of the trouble."""
    found = outcome.of_execution(world, undisturbed(), incidents=incidents)
    assert found == [], found
    assert open_fences() == ["target"]


def assert_taken_back(world: World) -> None:
    """Assert that the run was taken back whole: target, rows and file_audit are as before it."""
    found = outcome.of_rollback(world, undisturbed())
    assert found == [], found
    assert open_fences() == ["default"]


def in_ledger(world: World) -> list[str]:
    """Return the steps of the run that the target knows as committed."""
    return outcome._ledger(world, Run.objects.get(kind="execute"))


def open_fences() -> list[str]:
    """Return the aliases of the databases whose fence is open."""
    fences = {alias: home.fence(alias) for alias in ("default", "target")}
    return [alias for alias, fence in fences.items() if fence is not None and fence.is_open]


def remedy() -> None:
    """Document and review every open incident, so that the run may go on."""
    for incident in Incident.objects.filter(state="open"):
        remediate_incident(incident=incident, actor="lena", root_cause="A trouble of the test.", remediation="Ended.")
        review_incident(incident=Incident.objects.get(pk=incident.pk), reviewer="ada", approve=True, note="")


# -- trouble --------------------------------------------------------------------------------------------------------


def terminate(database: str, condition: str, *values: object) -> int:
    """End the sessions on the server of a database that a condition picks; return how many."""
    query = f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE {condition}"
    with administrator(database) as admin:
        return len(admin.execute(query, list(values)).fetchall())


@contextmanager
def server_settings(database: str, **values: str) -> Iterator[None]:
    """Change settings of the server that has a database (ALTER SYSTEM), and give the old ones back."""
    try:
        with administrator(database) as admin:
            for name, value in values.items():
                admin.execute(sql.SQL("ALTER SYSTEM SET {} = {}").format(sql.Identifier(name), sql.Literal(value)))
            admin.execute("SELECT pg_reload_conf()")
        wait_for_settings(database, values)
        yield
    finally:
        with administrator(database) as admin:
            for name in values:
                admin.execute(sql.SQL("ALTER SYSTEM RESET {}").format(sql.Identifier(name)))
            admin.execute("SELECT pg_reload_conf()")


def wait_for_settings(database: str, values: Mapping[str, str]) -> None:
    """Wait until a new session has the settings."""
    for _ in range(100):
        with administrator(database) as admin:
            file = admin.execute(
                "SELECT bool_and(applied) FROM pg_file_settings WHERE name = ANY(%s)", [list(values)]
            ).fetchone()
            pending = admin.execute("SELECT pg_sleep(0.05)")
        if file and file[0] and pending:
            return
    raise AssertionError("the server did not take the settings")


def commits(work: Callable[[], object]) -> int:
    """Return how many COMMITs a piece of work sends to both databases, counted in a child that is then killed."""
    reading, writing = os.pipe()

    def counted() -> None:
        number = count()
        _on_commit(lambda _: next(number), lambda _: None)
        work()
        os.write(writing, str(next(number)).encode())
        os.kill(os.getpid(), signal.SIGKILL)

    _in_a_child(lambda: None, counted)
    os.close(writing)
    with os.fdopen(reading) as answer:
        text = answer.read()
    assert text, "the work failed in the child"
    return int(text)


def die_at_commit(nth: int, when: str, work: Callable[[], object]) -> None:
    """Run ``work`` in a child that is killed ``before`` or ``after`` its nth COMMIT to either database."""
    numbers = count(1)
    current = [0]

    def before(_: str) -> None:
        current[0] = next(numbers)
        if when == "before" and current[0] == nth:
            os.kill(os.getpid(), signal.SIGKILL)

    def after(_: str) -> None:
        if when == "after" and current[0] == nth:
            os.kill(os.getpid(), signal.SIGKILL)

    status = _in_a_child(lambda: _on_commit(before, after), work)
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL, f"COMMIT {nth} was never sent"


def _on_commit(before: Callable[[str], object], after: Callable[[str], object]) -> None:
    """Call both around each COMMIT that this process sends; for a child, which never takes it back."""
    command, commit = psycopg.Connection._exec_command, runner._commit

    def heard(self: Any, query: Any, *args: Any, **kwargs: Any) -> Any:
        is_commit = query == b"COMMIT"
        if is_commit:
            before(self.info.dbname)
        result = yield from command(self, query, *args, **kwargs)
        if is_commit:
            after(self.info.dbname)
        return result

    def heard_in_a_step(connection: Any, step: Any) -> None:
        before(connection.info.dbname)
        commit(connection, step)
        after(connection.info.dbname)

    psycopg.Connection._exec_command = heard  # type: ignore[method-assign, assignment]
    runner._commit = heard_in_a_step
