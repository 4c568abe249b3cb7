"""Who runs a command: ``--as USERNAME`` with the password from ``V7_PASSWORD`` or a prompt, never from argv."""

from __future__ import annotations

import getpass
import os
import sys
from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.http import HttpRequest

from approvals.actors import acting_user
from approvals.selectors import personas_of
from v7migration.errors import AuthenticationFailed, UsageError

PASSWORD_VARIABLE = "V7_PASSWORD"  # noqa: S105 (the name of a variable, not a password)
# Attempts from the server's shell are counted under their own address, apart from those of browsers.
SHELL_ADDRESS = "127.0.0.1"


def add_arguments(parser: ArgumentParser, *, required: bool = True) -> None:
    """Add ``--as USERNAME`` to a command that leaves evidence or acts."""
    parser.add_argument(
        "--as",
        dest="as_username",
        metavar="USERNAME",
        required=required,
        help=f"the person who acts; the password comes from {PASSWORD_VARIABLE} or a prompt",
    )


def person_from(options: Mapping[str, Any], *, persona: str | None = None) -> User:
    """Return the live account that ``--as`` names, after its password was given.

    With ``persona`` the account must also hold it. The rest of the command acts under its name. Raises
    :class:`UsageError` without a name and :class:`AuthenticationFailed` (exit 5) for everything else.
    """
    username = str(options.get("as_username") or "")
    if not username:
        raise UsageError("This command acts for a person.", "Name the person: --as USERNAME.")
    request = HttpRequest()
    request.META["REMOTE_ADDR"] = SHELL_ADDRESS
    user = authenticate(request, username=username, password=password_for(username))
    if not isinstance(user, User):
        raise AuthenticationFailed(
            f"The password of {username} is not right, or the account is unknown, locked or not active.",
            f"Set {PASSWORD_VARIABLE} to the person's own password; v7_people list names the accounts.",
        )
    held = personas_of(user)
    if persona is not None and persona not in held:
        holds = ", ".join(sorted(held)) or "no persona"
        raise AuthenticationFailed(
            f"{username} does not hold {persona} (but {holds}).", f"Run the command as a holder of {persona}."
        )
    acting_user.set(username)
    return user


def password_for(username: str, *, confirm: bool = False) -> str:
    """Return the password from ``V7_PASSWORD``, else from a prompt (asked twice with ``confirm``)."""
    if password := os.environ.get(PASSWORD_VARIABLE, ""):
        return password
    if not sys.stdin.isatty():
        raise AuthenticationFailed(
            f"No password for {username}: {PASSWORD_VARIABLE} is not set and there is no terminal to ask at.",
            f"Set {PASSWORD_VARIABLE}, or run the command in a terminal.",
        )
    password = getpass.getpass(f"Password of {username}: ")
    if confirm and getpass.getpass("Again: ") != password:
        raise AuthenticationFailed("The two passwords differ.", "Run the command again.")
    return password
