"""The whole ``v7_execute`` command against ``manage.py migrate`` of the same SQL, and what starting costs.

The peer is a throw-away project with the same applications (so that it starts with as much code) and one application
more, whose migrations hold the steps of the signed changeset as ``RunSQL``. It migrates the same target from the same
state. A second peer is a project with nothing but that application.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.benchmarks import stages
from tests.benchmarks.measuring import Result, Row, compared, in_turns
from tests.cast import PASSWORD
from tests.environment import url
from v7migration.connections import PROJECT_DIR
from v7migration.pipeline import gatekeeper
from v7migration.postgres.script import Script, Section, parse, plan_order

REPEAT = 7
AIM = 1.15
START_AIM = 1.2
SETTINGS = "v7migration.settings"
PEER_SETTINGS = """
import os

from {base} import *

from v7migration.connections import django_database

INSTALLED_APPS = [*{apps}, "peer"]
MIGRATION_MODULES = {{app.rpartition(".")[2]: None for app in INSTALLED_APPS if app != "peer"}}
DATABASES = {{
    "default": django_database(os.environ["PEER_DATABASE"], search_path="public"),
    "target": django_database(os.environ["PEER_OTHER"], search_path="public"),  # nothing is migrated there
}}
DATABASE_ROUTERS = ["peer.router.OnlyPeer"]
"""
ROUTER = '''
class OnlyPeer:
    """Migrate the peer's application and nothing else."""

    def allow_migrate(self, db, app_label, **hints):
        return app_label == "peer"
'''
APPS = """
from django.apps import AppConfig, apps
from django.db.models.signals import post_migrate


class Peer(AppConfig):
    name = "peer"

    def ready(self):
        if apps.is_installed("tracking"):  # its tables are not there: nothing is to be granted on them
            grants = {"sender": apps.get_app_config("tracking"), "dispatch_uid": "v7migration.grant_web_role"}
            post_migrate.disconnect(**grants)
"""
START = "import django; django.setup()"


def write_peer(directory: Path, script: Script, *, plain: bool) -> None:
    """Write the peer's settings and its application, a migration for each section."""
    application = directory / "peer"
    (application / "migrations").mkdir(parents=True)
    for name in ("__init__.py", "migrations/__init__.py"):
        (application / name).touch()
    (application / "apps.py").write_text(APPS)
    (application / "router.py").write_text(ROUTER)
    base, apps = ("django.conf.global_settings", "[]") if plain else (SETTINGS, "INSTALLED_APPS")
    (directory / "peer_settings.py").write_text(PEER_SETTINGS.format(base=base, apps=apps))
    before = ""
    for number, (section, _) in enumerate(plan_order(script), start=1):
        name = f"{number:04d}_section_{section.number}"
        (application / "migrations" / f"{name}.py").write_text(migration(section, before))
        before = name


def migration(section: Section, before: str) -> str:
    """Return a migration with one RunSQL for each step; a concurrent index keeps it from being one transaction."""
    operations = [f"migrations.RunSQL({[s.text for s in step.statements]!r})" for step in section.steps]
    atomic = all(step.transactional for step in section.steps)
    needs = [("peer", before)] if before else []
    body = ",\n        ".join(operations)
    return (
        "from django.db import migrations\n\n\nclass Migration(migrations.Migration):\n"
        f"    atomic = {atomic}\n    dependencies = {needs!r}\n    operations = [\n        {body}\n    ]\n"
    )


def manage(*words: str, **environment: str) -> None:
    """Run ``manage.py`` with these words; what it prints is shown only when it fails."""
    command = [sys.executable, str(PROJECT_DIR / "manage.py"), *words]
    _run(command, {"DJANGO_SETTINGS_MODULE": SETTINGS, **environment})


def _run(command: list[str], environment: dict[str, str]) -> None:
    done = subprocess.run(
        command, env={**os.environ, **environment}, cwd=PROJECT_DIR, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}: {done.stdout}{done.stderr}")


def migrate(directory: Path) -> None:
    """Migrate the target with the peer's project."""
    command = [sys.executable, "-m", "django", "migrate", "--verbosity=0"]
    environment = {
        "DJANGO_SETTINGS_MODULE": "peer_settings",
        "PYTHONPATH": f"{directory}:{PROJECT_DIR}",
        "PEER_DATABASE": url("runner"),
        "PEER_OTHER": url("default"),
    }
    _run(command, environment)


def execute() -> None:
    """Execute the newest changeset by the product's command."""
    manage("v7_execute", "--as", "lena", "--no-input", V7_PASSWORD=PASSWORD)


def start_bare() -> None:
    """Start Python, load the settings and the applications."""
    _run([sys.executable, "-c", START], {"DJANGO_SETTINGS_MODULE": SETTINGS})


def measure(*, rows: int | None, repeat: int | None) -> Result:
    """Measure the command, then the start; ``rows`` changes nothing here."""
    _, remembered = stages.stage("signed")
    script = parse(bytes(gatekeeper.find(None).script.content))
    times = repeat or REPEAT
    found: list[Row] = []
    figures: dict[str, list[tuple[float, float]]] = {}
    with TemporaryDirectory(prefix="v7-benchmark-") as name:
        for kind, plain in (("the same applications", False), ("nothing else", True)):
            directory = Path(name) / str(plain)
            write_peer(directory, script, plain=plain)
            work = f"v7_execute against migrate of a project with {kind}"
            pairs = in_turns(times, execute, partial(migrate, directory), before=remembered.restore)
            found.append(compared(work, pairs, aim=None if plain else AIM))
            figures[work] = pairs
    remembered.forget()
    found.append(_starting(times, partial(manage, "v7_status", "--help"), figures))
    return Result(
        name="command", title="The whole command", peer="manage.py migrate of the same SQL; bare django.setup()",
        rows=found, figures=figures, settings={"rows": stages.SMALL},
    )  # fmt: skip


def _starting(times: int, product: Callable[[], None], figures: dict[str, list[tuple[float, float]]]) -> Row:
    product()  # both find their bytecode compiled
    pairs = in_turns(times, product, start_bare)
    figures["start"] = pairs
    return compared("start (manage.py v7_status --help) against django.setup()", pairs, aim=START_AIM)
