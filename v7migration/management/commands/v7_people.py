"""``v7_people``: the accounts of people and the personas they hold."""

from __future__ import annotations

import json as json_format
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandParser

from approvals import selectors, services
from v7migration.errors import UsageError
from v7migration.management.authentication import PASSWORD_VARIABLE, password_for


class Command(BaseCommand):
    """Add people, list them, grant and withdraw personas. Passwords never stand in the command line."""

    help = f"Add and list people and their personas; a new password comes from {PASSWORD_VARIABLE} or a prompt."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the verb, the name and what an account consists of."""
        parser.add_argument("verb", choices=["add", "list", "grant", "withdraw"])
        parser.add_argument("name", nargs="?", default="", help="user name; not for list")
        parser.add_argument("--persona", action="append", default=[], metavar="NAME", help="may be repeated")
        parser.add_argument("--full-name", default="", help="stands beside the person's signatures")
        parser.add_argument("--email", default="")
        parser.add_argument("--superuser", action="store_true", help="may administer accounts; signs like anybody else")
        parser.add_argument("--json", action="store_true", help="print one JSON document")

    def handle(self, *_: Any, verb: str, name: str, persona: list[str], json: bool, **options: Any) -> None:
        """Do what the verb says. Raises a :class:`V7Error`, whose exit code the command ends with."""
        if verb == "list":
            self._print_all(as_json=json)
            return
        if not name:
            raise UsageError(f"v7_people {verb} needs a name.", f"Try: v7_people {verb} NAME --persona 'DB Team Lead'")
        user = self._add(name, persona, options) if verb == "add" else self._change(verb, name, persona)
        self._print(_described(user), as_json=json)

    def _add(self, name: str, personas: list[str], options: dict[str, Any]) -> User:
        return services.person_create(
            username=name,
            password=password_for(name, confirm=True),
            personas=personas,
            full_name=options["full_name"],
            email=options["email"],
            superuser=options["superuser"],
        )

    def _change(self, verb: str, name: str, personas: list[str]) -> User:
        user = User.objects.filter(username=name).first()
        if user is None:
            raise UsageError(f"There is no account {name}.", "v7_people list names the accounts.")
        if not personas:
            raise UsageError(f"v7_people {verb} needs a persona.", "Name it: --persona 'DB Team Lead'")
        change = services.grant if verb == "grant" else services.withdraw
        for persona in personas:
            change(persona=persona, user=user, by=None)
        return user

    def _print_all(self, *, as_json: bool) -> None:
        people = [_described(user) for user in selectors.people()]
        if as_json:
            self.stdout.write(json_format.dumps({"people": people}))
            return
        for person in people:
            self._print(person, as_json=False)
        if not people:
            self.stdout.write("There are no accounts yet: v7_people add NAME --persona 'DB Team Lead'")

    def _print(self, person: dict[str, Any], *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json_format.dumps(person))
            return
        personas = ", ".join(person["personas"]) or "no persona"
        marks = "" if person["active"] else " (not active)"
        self.stdout.write(f"{person['username']}  {person['full_name']}: {personas}{marks}")


def _described(user: User) -> dict[str, Any]:
    return {
        "username": user.get_username(),
        "full_name": user.get_full_name(),
        "email": user.email,
        "personas": sorted(holding.persona.name for holding in user.holdings.select_related("persona")),
        "active": user.is_active,
        "superuser": user.is_superuser,
    }
