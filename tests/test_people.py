"""``v7_people`` and ``--as``: accounts from the shell, passwords never in the command line."""

from __future__ import annotations

import json
import secrets
from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command

from approvals import services
from approvals.actors import acting_user
from v7migration.errors import AuthenticationFailed, UsageError
from v7migration.management.authentication import person_from

pytestmark = pytest.mark.usefixtures("rolled_back")
PASSWORD = "an-owl-at-noon-7"


@pytest.fixture
def name() -> str:
    return f"dora-{secrets.token_hex(4)}"


@pytest.fixture(autouse=True)
def password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("V7_PASSWORD", PASSWORD)


def people(*words: str) -> str:
    out = StringIO()
    call_command("v7_people", *words, stdout=out)
    return out.getvalue()


def test_a_person_is_added_with_personas_and_listed(name: str) -> None:
    added = json.loads(people("add", name, "--persona", "DB Team Lead", "--full-name", "Dora Example", "--json"))
    assert (added["username"], added["personas"], added["superuser"]) == (name, ["DB Team Lead"], False)
    assert User.objects.get(username=name).check_password(PASSWORD)
    assert added in json.loads(people("list", "--json"))["people"]
    assert PASSWORD not in people("list")


def test_personas_are_granted_and_withdrawn(name: str) -> None:
    people("add", name)
    assert "Dev Team" in people("grant", name, "--persona", "Dev Team")
    assert "no persona" in people("withdraw", name, "--persona", "Dev Team")


def test_a_verb_without_what_it_needs_is_a_usage_error(name: str) -> None:
    for words in (["add"], ["grant", name], ["add", name, "--persona", "The Boss"]):
        with pytest.raises(UsageError):
            people(*words)
    assert not User.objects.filter(username=name).exists()


def test_without_a_password_and_without_a_terminal_nothing_is_added(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("V7_PASSWORD")
    monkeypatch.setattr("sys.stdin", StringIO())
    with pytest.raises(AuthenticationFailed, match="no terminal"):
        people("add", name)


def test_a_command_acts_for_the_person_whose_password_was_given(name: str) -> None:
    user = services.person_create(username=name, password=PASSWORD, personas=["DB Team Lead"])
    token = acting_user.set("")
    try:
        assert person_from({"as_username": name}, persona="DB Team Lead") == user
        assert acting_user.get() == name
    finally:
        acting_user.reset(token)


def test_a_wrong_password_name_or_persona_ends_with_exit_code_five(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    services.person_create(username=name, password=PASSWORD, personas=["DB Team Lead"])
    for options, persona in (({"as_username": "nobody"}, None), ({"as_username": name}, "The Architect")):
        with pytest.raises(AuthenticationFailed) as caught:
            person_from(options, persona=persona)
        assert caught.value.exit_code == 5
    monkeypatch.setenv("V7_PASSWORD", "guess")
    with pytest.raises(AuthenticationFailed):
        person_from({"as_username": name})
    with pytest.raises(UsageError):
        person_from({"as_username": None})
