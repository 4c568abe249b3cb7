"""A program reads the OpenAPI document and calls every operation of the running server with what it invents."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.api import secret_of
from tests.environment import site_port
from tests.world import World
from v7migration.connections import PROJECT_DIR
from v7migration.demo.site import served

EXAMPLES = 3
SECONDS = 240


@pytest.mark.timeout(SECONDS + 60)
def test_no_answer_of_the_running_server_is_an_error_or_undocumented(executed: World, tmp_path: Path) -> None:
    secret, log = secret_of(executed, "ada"), tmp_path / "site.log"
    with served(port=site_port(8500), log=log) as url:
        program, config = Path(sys.executable).with_name("schemathesis"), PROJECT_DIR / "schemathesis.toml"
        command = [
            sys.executable, str(program), "--config-file", str(config),
            "run", f"{url}api/v1/openapi.json", "--header", f"Authorization: Bearer {secret}",
            "--phases", "examples,fuzzing", "--max-examples", str(EXAMPLES), "--workers", "2", "--no-color",
        ]  # fmt: skip
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=SECONDS)
    assert done.returncode == 0, done.stdout[-12_000:] + done.stderr[-2_000:]
    assert "Internal error" not in log.read_text()
