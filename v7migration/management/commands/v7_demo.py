"""``v7_demo``: the whole path on the embedded PostgreSQL, from an empty machine to a served, executed migration."""

from __future__ import annotations

import fcntl
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser
from django.db import connections

from v7migration.connections import is_embedded, state_dir
from v7migration.demo.after import After
from v7migration.demo.cast import assemble
from v7migration.demo.scenario import Scenario, build, migrate, passwords_file, people_document, print_people
from v7migration.demo.site import free_port, served
from v7migration.errors import Refused, UsageError
from v7migration.management.base import StageCommand
from v7migration.postgres.embedded import cluster


class Command(StageCommand):
    """Walk the workflow with a cast of people; go on from where an earlier showing stands; then serve the site."""

    help = __doc__

    def arguments(self, parser: CommandParser) -> None:
        """``--unsigned``, ``--no-serve``, ``--reset``, ``--port``."""
        parser.add_argument("--unsigned", action="store_true", help="stop before the signatures: sign in the browser")
        parser.add_argument("--no-serve", action="store_true", help="end when the walk is done, with exit code 0")
        parser.add_argument("--reset", action="store_true", help="throw the embedded PostgreSQL away and begin anew")
        parser.add_argument("--port", type=int, default=8000, help="port of the site (the next free one is taken)")

    def act(self, options: dict[str, Any]) -> tuple[dict[str, Any], int]:
        """Show the demo, alone in its state directory."""
        with _alone():
            return self._act(options)

    def _act(self, options: dict[str, Any]) -> tuple[dict[str, Any], int]:
        if options["reset"]:
            self._reset()
        for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # a shell's background job ignores SIGINT
            signal.signal(name, _interrupt)
        try:
            return self._show(options), 0
        except KeyboardInterrupt:
            self.say("\nStopped.")
            sys.exit(130)
        finally:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            if is_embedded() and not options["no_serve"]:
                connections.close_all()
                cluster(state_dir()).stop()

    def _reset(self) -> None:
        """Remove the embedded server with its data, and start this command again with fresh settings."""
        if not is_embedded():
            raise UsageError("--reset removes the embedded PostgreSQL only.", "DATABASE_URL names your own: unset it.")
        cluster(state_dir()).destroy()
        passwords_file(state_dir()).unlink(missing_ok=True)
        arguments = [argument for argument in sys.argv if argument != "--reset"]
        os.execv(sys.executable, [sys.executable, *arguments])  # noqa: S606 (ourselves)

    def _show(self, options: dict[str, Any]) -> dict[str, Any]:
        migrate()
        built = build()
        passwords = assemble(passwords_file(settings.STATE_DIR))
        self.say(
            "A legacy target was built." if built else "The target is there already: going on from where it stands."
        )
        with served(port=free_port(options["port"]), log=settings.STATE_DIR / "site.log") as url:
            self.say(f"\nThe site: {url}\nPeople (user name, password, personas):")
            print_people(self.say, passwords)
            scenario = Scenario(self.console, url, passwords)
            changeset = scenario.prepare()
            run = None
            if options["unsigned"]:
                self.say(
                    f"\nNothing is signed. Sign at {url}changesets/{changeset.digest}/ (lena, then sam, then ada),"
                )
                self.say("then run: .venv/bin/python manage.py v7_execute --as lena")
            else:
                scenario.sign(changeset)
                run = scenario.execute(changeset)
                After(scenario, run).walk()
            document = {
                "url": url, "people": people_document(passwords), "changeset": changeset.digest,
                "run": str(run.pk) if run else None,
            }  # fmt: skip
            if not options["no_serve"]:
                self._serve(url, document if options["json"] else None)
        if options["no_serve"]:
            self.say("\nThe site has ended: v7_demo serves it again.")
            if is_embedded():
                self.say("The embedded PostgreSQL keeps running for other commands: v7_postgres stop ends it.")
        return document

    def _serve(self, url: str, document: dict[str, Any] | None) -> None:
        """Wait until Ctrl-C; with ``--json`` the object is printed before."""
        if document is not None:
            self._print_json(document)
            self.stdout.flush()
        self.say(f"\nServing {url} until Ctrl-C.")
        try:
            while True:
                signal.pause()
        except KeyboardInterrupt:
            self.say("\nStopped.")


@contextmanager
def _alone() -> Iterator[None]:
    """Let one showing at a time use a state directory: each would stop or change the server under the other."""
    with (settings.STATE_DIR / "demo.lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Refused(
                f"Another v7_demo is at work on {settings.STATE_DIR}.",
                "Use its site, or end it first; or set V7_STATE_DIR to another directory.",
            ) from error
        yield


def _interrupt(signum: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
