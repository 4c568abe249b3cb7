"""The demo as a newcomer runs it: a state directory of its own, a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.environment import site_port
from v7migration.connections import PROJECT_DIR
from v7migration.postgres.embedded import cluster


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "state"
    cluster(tmp_path / "state").destroy()


def manage(state: Path, *arguments: str, password: str = "") -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "V7_STATE_DIR": str(state), "V7_PASSWORD": password}
    command = [sys.executable, str(PROJECT_DIR / "manage.py"), *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def demo(state: Path, *arguments: str) -> dict[str, Any]:
    done = manage(state, "v7_demo", "--no-serve", "--json", "--port", str(site_port(8400)), *arguments)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_the_demo_goes_on_from_where_it_stands_through_a_rollback_and_a_second_cycle(state: Path) -> None:
    unsigned = demo(state, "--unsigned")
    assert unsigned["run"] is None
    gate = manage(state, "v7_gate", "--json")
    assert gate.returncode == 3
    assert [seat["state"] for seat in json.loads(gate.stdout)["seats"]] == ["open", "waiting", "waiting"]

    first = demo(state)
    assert first["changeset"] == unsigned["changeset"]
    assert first["run"] is not None
    again = demo(state)
    assert (again["changeset"], again["run"]) == (first["changeset"], first["run"])

    password = next(p["password"] for p in first["people"] if p["username"] == "lena")
    back = manage(
        state, "v7_rollback", "--as", "lena", "--no-input", "--incident", "a trial", "--json", password=password
    )
    assert back.returncode == 0, back.stderr
    assert json.loads(back.stdout)["as_before"] is True
    with psycopg.connect(cluster(state).url("owner")) as connection:
        count = connection.execute("SELECT count(*) FROM information_schema.tables WHERE table_name LIKE 'v7_%'")
        assert count.fetchone() == (0,)

    second = demo(state)
    assert second["changeset"] != first["changeset"]
    assert second["run"] not in (None, first["run"])


def test_ctrl_c_ends_the_served_demo_and_leaves_no_process(state: Path, tmp_path: Path) -> None:
    port = site_port(8500)
    environment = {**os.environ, "V7_STATE_DIR": str(state)}
    with (tmp_path / "out").open("w") as out, (tmp_path / "err").open("w") as err:
        shown = subprocess.Popen(
            [sys.executable, str(PROJECT_DIR / "manage.py"), "v7_demo", "--unsigned", "--port", str(port)],
            env=environment, stdout=out, stderr=err,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),  # as a shell's background job has it
        )  # fmt: skip
        deadline = time.monotonic() + 240
        while "Serving" not in (tmp_path / "out").read_text():
            assert shown.poll() is None and time.monotonic() < deadline, (tmp_path / "err").read_text()
            time.sleep(0.2)
        assert urllib.request.urlopen(f"http://127.0.0.1:{port}/login/").status == 200
        shown.send_signal(signal.SIGINT)
        assert shown.wait(timeout=60) == 0
    assert not cluster(state).running()
    left = [line for line in _processes() if str(state) in line or f"127.0.0.1:{port}" in line]
    assert left == []


def _processes() -> list[str]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                found.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"))
            except OSError:
                continue
    return found
