"""``v7_postgres``: the embedded PostgreSQL, by hand."""

from __future__ import annotations

import json
import os
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from v7migration.errors import Refused, V7Error
from v7migration.postgres.embedded import Cluster, cluster, default_state_dir

OWN_SERVER_URLS = {
    "default": "DATABASE_URL",
    "target": "TARGET_DATABASE_URL",
    "runner": "TARGET_RUNNER_URL",
    "control_owner": "DATABASE_OWNER_URL",
}
URL_NAMES = ["default", "target", "runner", "owner", "control_owner", "superuser"]


class Command(BaseCommand):
    """Start, stop and describe the embedded PostgreSQL, or print the URL of one of its roles."""

    help = "Start, stop or describe the embedded PostgreSQL; 'url' prints a role's URL (it holds a password)."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the verb, the name of a URL and ``--json``."""
        parser.add_argument("verb", choices=["start", "stop", "status", "url"])
        parser.add_argument("name", nargs="?", choices=URL_NAMES, default="default", help="for url")
        parser.add_argument("--json", action="store_true", help="print one JSON document")

    def handle(self, *_: Any, verb: str, name: str, json: bool, **options: Any) -> None:
        """Do what the verb says; a refusal ends with its own exit code and a next step."""
        try:
            if os.environ.get("DATABASE_URL"):
                self._own_server(verb, name, as_json=json)
            else:
                self._embedded(cluster(default_state_dir()), verb, name, as_json=json)
        except V7Error as error:
            raise CommandError(str(error), returncode=error.exit_code) from error

    def _embedded(self, embedded: Cluster, verb: str, name: str, *, as_json: bool) -> None:
        if verb == "url":
            embedded.ensure_started()
            self._print({"name": name, "url": embedded.url(name)}, embedded.url(name), as_json=as_json)
            return
        if verb == "start":
            embedded.ensure_started()
        elif verb == "stop":
            embedded.stop()
        found = embedded.describe()
        sentence = f"Embedded PostgreSQL {found['version']} is stopped. Data: {found['data']}"
        if found["running"]:
            sentence = (
                f"Embedded PostgreSQL {found['version']} runs on {found['host']}:{found['port']} "
                f"(process {found['process_id']}). Data: {found['data']}"
            )
        elif not found["initialised"]:
            sentence = f"There is no embedded PostgreSQL in {found['state_dir']} yet. v7_postgres start makes one."
        self._print({"embedded": True, **found}, sentence, as_json=as_json)

    def _own_server(self, verb: str, name: str, *, as_json: bool) -> None:
        if verb in {"start", "stop"}:
            raise Refused(
                f"DATABASE_URL is set: v7_postgres {verb} does not act on a PostgreSQL of your own.",
                "Unset DATABASE_URL to use the embedded PostgreSQL.",
            )
        if verb == "status":
            sentence = "A PostgreSQL of your own is in use (DATABASE_URL is set); the embedded one is not."
            self._print({"embedded": False}, sentence, as_json=as_json)
            return
        variable = OWN_SERVER_URLS.get(name)
        url = os.environ.get(variable, "") if variable else ""
        if not url:
            raise Refused(
                f"The URL {name!r} of your own PostgreSQL is not known here.",
                f"Set {variable} in the environment." if variable else "Ask the server's administrator.",
            )
        self._print({"name": name, "url": url}, url, as_json=as_json)

    def _print(self, document: dict[str, object], sentence: str, *, as_json: bool) -> None:
        self.stdout.write(json.dumps(document, indent=2) if as_json else sentence)
