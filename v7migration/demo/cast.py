"""The people of the demo, and their passwords: made once, kept in the state directory with mode 0600."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from django.contrib.auth.models import User

from approvals.services import person_create


@dataclass(frozen=True)
class Member:
    """A person of the demo."""

    username: str
    full_name: str
    personas: tuple[str, ...]
    superuser: bool = False


CAST = (
    Member("ada", "Ada Marsh", ("The Architect",)),
    Member("lena", "Lena Brandt", ("DB Team Lead",)),
    Member("sam", "Sam Okoye", ("Test Sentinel",)),
    Member("dev", "Devi Raman", ("Dev Team",)),
    Member("dana", "Dana Silva", ("Data Sentinel", "Schema Guardian")),
    Member("rolf", "Rolf Eriksen", ("Router Guardian", "Service Arbiter")),
    Member("uma", "Uma Castellanos", ("Config Conductor", "UI Virtuoso")),
    Member("wilma", "Wilma Kovacs", ("WF4 Persona", "WF5 Persona")),
    Member("carl", "Carl Ngata", ("Conductor",)),
    Member("root", "Rosa Ott", (), superuser=True),
)


def _new_password() -> str:
    return "-".join(secrets.token_hex(3) for _ in range(3))


def _read(path: Path) -> dict[str, str]:
    try:
        found: dict[str, str] = json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    return found


def _write(path: Path, passwords: dict[str, str]) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as handle:
        json.dump(passwords, handle)
    new.replace(path)


def assemble(path: Path) -> dict[str, str]:
    """Make the people who are missing and return the passwords by username; "" where it is not known any more.

    Args:
        path: the file that keeps the passwords.
    """
    passwords = _read(path)
    there = set(User.objects.values_list("username", flat=True))
    for member in CAST:
        if member.username in there:
            continue
        passwords[member.username] = _new_password()
        _write(path, passwords)
        person_create(
            username=member.username, password=passwords[member.username], personas=list(member.personas),
            full_name=member.full_name, email=f"{member.username}@demo.localhost", superuser=member.superuser, by=None,
        )  # fmt: skip
    return {member.username: passwords.get(member.username, "") for member in CAST}
