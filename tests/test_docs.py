"""README says what is there: commands, options, variables, exit codes, stages, people, paths."""

from __future__ import annotations

import argparse
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.test_conventions import PROJECT, files, own_commands
from v7migration import errors
from v7migration.connections import TARGET_SEARCH_PATH
from v7migration.demo.cast import CAST
from v7migration.management.authentication import PASSWORD_VARIABLE
from v7migration.pipeline import STAGES

README = (PROJECT / "README.md").read_text()
HEADINGS = re.findall(r"^#{2,3} (.+)$", README, re.MULTILINE)
PIPELINE = PROJECT / "v7migration" / "pipeline"
COMMANDS_OF = {"sign": {"v7_freeze", "v7_gate", "v7_plan"}}
NOT_COMMANDS = {
    "v7_control", "v7_control_owner", "v7_enum_migrations", "v7_history", "v7_monitoring", "v7_owner", "v7_runner",
    "v7_target", "v7_web",
}  # fmt: skip
VARIABLE = re.compile(r"\b(?:V7_[A-Z_]*[A-Z]|(?:[A-Z]+_)*DATABASE(?:_[A-Z]+)*_URL|TARGET_RUNNER_URL)\b")


def calls() -> list[list[str]]:
    """Return the command lines that README shows, each split into words."""
    inline = re.findall(r"`(v7_[a-z]+(?: [^`]*)?)`", README)
    blocks = re.findall(r"manage\.py ([a-z][\w]*[^\n#&`]*)", README)
    return [shlex.split(text.replace("[", "").replace("]", "")) for text in (*inline, *blocks)]


def options_of(parser: argparse.ArgumentParser) -> Iterator[str]:
    """Yield the options of a command and of its subcommands."""
    yield from parser._option_string_actions
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for subparser in action.choices.values():
                yield from options_of(subparser)


def present_stages() -> list[str]:
    """Return the stages that have a module."""
    return [s for s in STAGES if (PIPELINE / f"{s}.py").exists() or (PIPELINE / s / "__init__.py").exists()]


def variables_in_code() -> set[str]:
    """Return the environment variables that the product, its tests and its checks read."""
    sources = [p for p in files() if p.suffix == ".py" and Path("v7migration/demo/source") not in p.parents]
    text = "\n".join((PROJECT / path).read_text() for path in sources)
    found = set(re.findall(r"(?:environ(?:\.get)?[\[(]|getenv\(|_url\()\s*\"(\w+)\"", text))
    exports = re.findall(r"^export (.+)$", (PROJECT / ".ci" / "run").read_text(), re.MULTILINE)
    found |= {name for line in exports for name in re.findall(r"(\w+)=", line)}
    return {name for name in found | {PASSWORD_VARIABLE} if VARIABLE.fullmatch(name)}


@pytest.mark.parametrize("words", calls(), ids=" ".join)
def test_every_command_line_in_readme_is_one_that_works(words: list[str]) -> None:
    name, *rest = words
    if name in NOT_COMMANDS or name in {"check", "collectstatic", "migrate"}:
        return
    commands = own_commands()
    assert name in commands
    known = set(options_of(commands[name].create_parser("manage.py", name)))
    assert [word for word in rest if word.startswith("--") and word not in known] == []


def test_every_command_stands_in_readme() -> None:
    assert [name for name in own_commands() if name.startswith("v7_") and f"`{name}" not in README] == []


@pytest.mark.parametrize("stage", present_stages())
def test_one_verb_names_the_module_the_command_and_the_heading_of_a_stage(stage: str) -> None:
    assert stage.capitalize() in HEADINGS
    assert COMMANDS_OF.get(stage, {f"v7_{stage}"}) <= set(own_commands())


def test_the_stages_stand_in_order() -> None:
    positions = [HEADINGS.index(stage.capitalize()) for stage in present_stages()]
    assert positions == sorted(positions)


def test_the_variables_are_those_that_the_code_reads() -> None:
    table = README.split("### Environment variables")[1].split("\n## ")[0]
    told = {name for row in re.findall(r"^\| (.+?) \|", table, re.MULTILINE) for name in VARIABLE.findall(row)}
    assert told == variables_in_code()


def test_the_exit_codes_are_those_of_the_errors() -> None:
    table = README.split("### Exit codes")[1].split("\n## ")[0]
    told = {int(code) for code in re.findall(r"^\| (\d) \|", table, re.MULTILINE)}
    types = [e for e in vars(errors).values() if isinstance(e, type) and issubclass(e, errors.V7Error)]
    assert told == {0, *(e.exit_code for e in types)}


def test_the_search_path_for_psql_is_the_one_the_site_uses() -> None:
    assert f"SET search_path = {TARGET_SEARCH_PATH.replace(',', ', ')};" in README


def test_the_people_are_those_of_the_demo() -> None:
    people = README.split("## What the demo shows")[1].split("\n## ")[0]
    assert set(re.findall(r"\| `(\w+)` \|", people)) == {member.username for member in CAST}


def test_the_layout_names_paths_that_exist() -> None:
    block = README.split("## For developers")[1].split("```")[1]
    top = ""
    for line in block.strip().splitlines():
        for word in [w for w in line.split() if w.endswith("/")]:
            top = "" if not line.startswith(" ") else top
            assert (PROJECT / top / word).is_dir(), word
            if not line.startswith(" "):
                top = word if word == "v7migration/" else ""


def test_named_files_exist() -> None:
    named = re.findall(r"`((?:[\w.-]+/)*[\w.-]+\.(?:py|toml|txt|in|md|yaml|sql)|\.ci/run)`", README)
    assert len(named) > 5
    present = {path.name for path in files()}
    assert [name for name in named if not (PROJECT / name).exists() and name not in present] == []


@pytest.mark.parametrize("heading", ["Start", "Test"])
def test_the_checks_find_the_commands_that_readme_gives(heading: str) -> None:
    run = (PROJECT / ".ci" / "run").read_text()
    function = re.search(r"^command_of\(\).*?^\}", run, re.MULTILINE | re.DOTALL)
    assert function is not None
    script = f"{function.group(0)}\ncommand_of {heading}"
    done = subprocess.run(["bash", "-c", script], cwd=PROJECT, capture_output=True, text=True, check=True)  # noqa: S607
    block = README.split(f"## {heading}\n")[1].split("```sh\n")[1].split("```")[0]
    assert done.stdout == block
    assert "--require-hashes" in block


def test_the_checks_are_a_program() -> None:
    run = PROJECT / ".ci" / "run"
    assert run.stat().st_mode & 0o111
    subprocess.run(["bash", "-n", str(run)], check=True)  # noqa: S607


def test_the_changelog_keeps_its_form() -> None:
    text = Path(PROJECT, "CHANGELOG.md").read_text()
    assert text.startswith("# Changelog\n")
    assert "## [Unreleased]" in text
    kinds = set(re.findall(r"^### (.+)$", text, re.MULTILINE))
    assert kinds <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    releases = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert all(re.fullmatch(r"\[(Unreleased|\d+\.\d+\.\d+\] - \d{4}-\d{2}-\d{2})\]?", release) for release in releases)
