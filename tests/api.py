"""A program that calls the API as one of the cast."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from django.test import Client

from approvals.tokens import token_create
from tests.cast import PASSWORD
from tests.world import World

ROOT = "/api/v1/"
JSON = "application/json"


@dataclass
class Caller:
    """Calls the API and expects a status; every error must be a problem with a next step."""

    client: Client

    def send(self, method: str, address: str, body: Any = None) -> Any:
        """Send a request and return the answer."""
        data = "" if body is None else json.dumps(body)
        return self.client.generic(method, ROOT + address, data, content_type=JSON if data else "")

    def _asked(self, method: str, address: str, body: Any, expect: int) -> Any:
        answer = self.send(method, address, body)
        assert answer.status_code == expect, (method, address, answer.status_code, answer.content)
        if not answer.content:
            return None
        found = answer.json()
        if expect >= 400:
            assert answer["Content-Type"] == "application/problem+json"
            assert (found["status"], bool(found["next_step"])) == (expect, True)
        return found

    def get(self, address: str, *, expect: int = 200) -> Any:
        """Read."""
        return self._asked("GET", address, None, expect)

    def post(self, address: str, body: Any, *, expect: int = 200) -> Any:
        """Make a row, or a transition."""
        return self._asked("POST", address, body, expect)

    def patch(self, address: str, body: Any, *, expect: int = 200) -> Any:
        """Change a row."""
        return self._asked("PATCH", address, body, expect)

    def delete(self, address: str, *, expect: int) -> Any:
        """Delete a row."""
        return self._asked("DELETE", address, None, expect)


def secret_of(world: World, name: str, days: int = 1) -> str:
    """Return the secret of a new token of one of the cast."""
    return token_create(person=world.user(name), password=PASSWORD, name="a test", days=days)[1]


def bearing(secret: str) -> Caller:
    """Return a program that sends a secret as its token."""
    return Caller(Client(headers={"Authorization": f"Bearer {secret}"}))


def caller(world: World, name: str) -> Caller:
    """Return a program with a token of one of the cast."""
    return bearing(secret_of(world, name))


def session(world: World, name: str) -> Caller:
    """Return a browser in which one of the cast has signed in."""
    return Caller(world.client(name))
