"""Imports point one way, and the contract that says so bites."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import grimp
import pytest

from v7migration.pipeline import STAGES

PROJECT = Path(__file__).resolve().parent.parent
PACKAGES = ("approvals", "tracking", "v7migration")
LINTER = Path(sys.executable).with_name("lint-imports")
WITHOUT_A_PLACE = {"approvals", "tracking", "v7migration", "v7migration.ledger"}


def lint(directory: Path) -> subprocess.CompletedProcess[str]:
    """Run import-linter over the packages of a directory."""
    command = [str(LINTER), "--no-logo", "--no-cache", "--config", "pyproject.toml"]
    return subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False, timeout=120)


def layers() -> list[list[str]]:
    """Return the layers of the contract, the highest first, each with its modules."""
    linter = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]["importlinter"]
    contract = next(c for c in linter["contracts"] if c["id"] == "direction")
    return [[module.strip() for module in layer.split(":")] for layer in contract["layers"]]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the packages in which a test may do harm."""
    for package in PACKAGES:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(PROJECT / package, tmp_path / package, ignore=ignored)
    shutil.copy(PROJECT / "pyproject.toml", tmp_path)
    return tmp_path


def test_imports_point_one_way() -> None:
    done = lint(PROJECT)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("approvals/gates.py", "import tracking.home", "The gate's rules are pure"),
        ("approvals/gates.py", "import django.utils.timezone", "The gate's rules are pure"),
        ("approvals/services.py", "import tracking.services", "Approvals know nothing of tracking"),
        ("tracking/services/impacts.py", "import approvals.selectors", "Tracking knows nothing of approvals"),
        ("tracking/services/tasks.py", "import v7migration.pipeline.settle", "Imports point one way"),
        ("approvals/services.py", "import v7migration.pipeline.gatekeeper", "Imports point one way"),
        ("v7migration/ledger/services.py", "import approvals.models", "Imports point one way"),
        ("v7migration/pipeline/execute.py", "import v7migration.management.printing", "Imports point one way"),
        ("v7migration/pipeline/sign.py", "import tracking.views", "Imports point one way"),
        ("v7migration/postgres/runner.py", "import django.db", "Errors and the two toolkits work without Django"),
        ("v7migration/errors.py", "import v7migration.postgres.session", "Imports point one way"),
        ("v7migration/pipeline/execute.py", "import v7migration.pipeline.verify", "Stages never import each other"),
        ("v7migration/pipeline/review.py", "import postgast", "Only the script package knows the grammar library"),
    ],
)
def test_a_planted_import_against_the_direction_is_found(copy: Path, module: str, line: str, contract: str) -> None:
    path = copy / module
    path.write_text(path.read_text() + f"\n{line}  # planted\n")
    done = lint(copy)
    assert done.returncode != 0, done.stdout
    assert f"{contract} BROKEN" in done.stdout


def test_every_module_has_a_place_in_the_layers() -> None:
    places = [module for layer in layers() for module in layer]
    homeless = [
        module
        for module in modules()
        if module not in WITHOUT_A_PLACE
        and not any(module == place or module.startswith(f"{place}.") for place in places)
    ]
    assert homeless == [], "name these modules in [tool.importlinter] of pyproject.toml"


def test_every_stage_is_under_the_contract_of_the_stages() -> None:
    linter = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]["importlinter"]
    independent = next(c for c in linter["contracts"] if c["id"] == "stages")["modules"]
    pipeline = PROJECT / "v7migration" / "pipeline"
    present = [s for s in STAGES if (pipeline / f"{s}.py").exists() or (pipeline / s / "__init__.py").exists()]
    assert independent == [f"v7migration.pipeline.{stage}" for stage in present]


def modules() -> Iterator[str]:
    """Yield the dotted names of all modules of the packages."""
    graph = grimp.build_graph(*PACKAGES, cache_dir=None)
    yield from sorted(module for module in graph.modules if not module.startswith("v7migration.demo.source"))
