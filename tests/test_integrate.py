"""v7_integrate as the application's team uses it: what it writes, where, and what it refuses."""

from __future__ import annotations

import ast
import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from pytest_django import Settings

from tests.generated import PROJECT
from v7migration.errors import Refused, UsageError
from v7migration.pipeline.integrate.generating import generate_pydantic, generate_sqlalchemy

KINDS = pytest.mark.parametrize(
    ("kind", "generate"), [("sqlalchemy", generate_sqlalchemy), ("pydantic", generate_pydantic)]
)
Generate = Callable[..., dict[str, Any]]
PYTHON = Path(sys.executable)


def answer(*arguments: str) -> dict[str, Any]:
    """Return what the command prints with ``--json``."""
    out = StringIO()
    call_command("v7_integrate", *arguments, "--json", stdout=out)
    document: dict[str, Any] = json.loads(out.getvalue())
    return document


@KINDS
def test_the_same_models_give_the_same_bytes_whatever_the_hash_seed(kind: str, generate: Generate) -> None:
    command = [str(PYTHON), "manage.py", "v7_integrate", kind]
    environment = {**os.environ, "PYTHONHASHSEED": "4711"}  # this very process has another one
    done = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=True)
    text = generate()["text"]
    assert done.stdout == text
    assert str(PROJECT) not in text
    assert answer(kind)["fingerprint"] in text


def test_linters_formatter_and_type_checker_have_nothing_to_say(tmp_path: Path) -> None:
    """Under the project's strict configuration, under the formatter's defaults, and beside the application's base."""
    package = tmp_path / "app"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "db.py").write_text(
        '"""The base."""\n\nfrom sqlalchemy.orm import DeclarativeBase\n\n\n'
        'class Model(DeclarativeBase):\n    """The base."""\n'
    )
    generate_sqlalchemy(out=package / "models.py")
    generate_pydantic(out=package / "schemas.py")
    generate_sqlalchemy(out=package / "own_models.py", base="app.db:Model")
    generate_pydantic(out=package / "own_schemas.py", enums_from="app.own_models")
    ruff, mypy = (str(PYTHON.with_name(name)) for name in ("ruff", "mypy"))
    rules = f"--config={PROJECT / 'pyproject.toml'}"
    for command in (
        [ruff, "check", "--no-cache", rules, "."],
        [ruff, "format", "--no-cache", "--check", rules, "."],
        [ruff, "format", "--no-cache", "--check", "--isolated", "."],
        [mypy, "--strict", "--config-file=", f"--cache-dir={tmp_path / 'cache'}", "app"],
    ):
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


@KINDS
def test_what_the_script_says_stands_in_the_module_whatever_it_is(
    kind: str, generate: Generate, settings: Settings, tmp_path: Path
) -> None:
    said = """\\ "quoted" and 'quoted', {braces}, %s, \"\"\", a very long one: """ + "é" * 200
    before = "COMMENT ON COLUMN public.v7_subworkflow_tasks.notes IS 'Free text.';"
    text = settings.V7_SCRIPT.read_text()
    assert before in text
    settings.V7_SCRIPT = tmp_path / "script.sql"
    settings.V7_SCRIPT.write_text(text.replace("'Free text.'", "'" + said.replace("'", "''") + "'"))
    tree = ast.parse(generate()["text"])
    assert said in {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}


@KINDS
def test_a_second_call_leaves_the_file_alone(kind: str, generate: Generate, tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    assert answer(kind, "--out", str(path))["written"] is True
    path.chmod(0o640)
    written = path.stat()
    assert answer(kind, "--out", str(path))["written"] is False
    assert path.stat().st_mtime_ns == written.st_mtime_ns
    path.write_text(path.read_text() + "# older\n")
    assert answer(kind, "--out", str(path))["written"] is True
    assert path.read_text() == generate()["text"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert list(tmp_path.iterdir()) == [path]


def test_a_symbolic_link_stays_one(tmp_path: Path) -> None:
    link, real = tmp_path / "link.py", tmp_path / "real.py"
    link.symlink_to(real)
    generate_pydantic(out=link)
    assert link.is_symlink()
    assert real.read_text() == generate_pydantic()["text"]


def test_the_work_of_others_is_never_overwritten(tmp_path: Path) -> None:
    theirs = tmp_path / "models.py"
    theirs.write_text("class FileAudit: ...\n")
    module = tmp_path / "generated.py"
    generate_pydantic(out=module)
    for path, says in ((theirs, "not made by"), (module, "another module"), (tmp_path, "is no file")):
        before = path.read_bytes() if path.is_file() else None
        with pytest.raises(Refused, match=says):
            generate_sqlalchemy(out=path)
        assert before is None or path.read_bytes() == before


def test_a_file_that_cannot_be_written_is_refused_with_a_next_step(tmp_path: Path) -> None:
    ring = tmp_path / "ring.py"
    ring.symlink_to(ring)
    for path in (tmp_path / "absent" / "models.py", ring, tmp_path / ("x" * 300)):
        with pytest.raises(Refused) as refused:
            generate_sqlalchemy(out=path)
        assert refused.value.next_step
    assert [path.name for path in tmp_path.iterdir()] == ["ring.py"]


def test_a_write_that_fails_leaves_the_old_file_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "models.py"
    generate_sqlalchemy(out=path)
    path.write_text(old := path.read_text() + "# older\n")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(Refused, match="No space left"):
        generate_sqlalchemy(out=path)
    assert path.read_text() == old
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("base", ["app.db", "app.db:", ":Base", "app db:Base", "app.db:a.b", "app.class:Base", "1:2"])
def test_a_base_that_is_no_name_is_wrong_usage(base: str) -> None:
    with pytest.raises(UsageError):
        generate_sqlalchemy(base=base)


@pytest.mark.parametrize("module", ["a b", "a..b", "import os", ".", "a.class", "x\nimport os"])
def test_a_module_of_enums_that_is_no_name_is_wrong_usage(module: str) -> None:
    with pytest.raises(UsageError):
        generate_pydantic(enums_from=module)
