"""What the code's shape must keep: sizes, names, docstrings, one write transaction, no foreign addresses."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import BaseCommand, call_command, get_commands, load_command_class

PROJECT = Path(__file__).resolve().parent.parent
PACKAGES = ("approvals", "tracking", "v7migration")
NOT_OURS = {"__pycache__", "staticfiles"}
NOT_TEXT = {".pyc", ".ico", ".png", ".woff2"}
HIDDEN_BUT_OURS = {".ci", ".gitattributes", ".gitignore", ".pre-commit-config.yaml"}
LONGEST_MODULE = 440
LONGEST_TEST_MODULE = 600
LONGEST_FUNCTION = 60
LONGEST_HANDLE = 30
SAYS_NOTHING = {"utils", "util", "helpers", "helper", "common", "misc"}


@cache
def files() -> tuple[Path, ...]:
    """Return every text file of the project, relative to its directory."""
    tops = [p for p in PROJECT.iterdir() if not p.name.startswith(".") or p.name in HIDDEN_BUT_OURS]
    paths = [path for top in tops for path in (top.rglob("*") if top.is_dir() else [top]) if path.is_file()]
    relative = (path.relative_to(PROJECT) for path in paths if path.suffix not in NOT_TEXT)
    return tuple(sorted(path for path in relative if not NOT_OURS & set(path.parts)))


@cache
def modules() -> dict[Path, ast.Module]:
    """Return the syntax trees of all modules but the demo's legacy source."""
    demo = Path("v7migration", "demo", "source")
    return {
        path: ast.parse((PROJECT / path).read_text(), str(path))
        for path in files()
        if path.suffix == ".py" and demo not in path.parents
    }


def product() -> dict[Path, ast.Module]:
    """Return the modules of the product without tests and migrations."""
    return {p: tree for p, tree in modules().items() if p.parts[0] in PACKAGES and "migrations" not in p.parts}


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Yield every function of a module, nested ones too."""
    yield from (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def own_commands() -> dict[str, BaseCommand]:
    """Return the project's own commands by name."""
    return {
        name: load_command_class("v7migration", name)
        for name, app in get_commands().items()
        if app == "v7migration" or getattr(app, "name", "") == "v7migration"
    }


def test_modules_stay_readable() -> None:
    long = {
        str(path): length
        for path in modules()
        if "migrations" not in path.parts
        and (length := len((PROJECT / path).read_text().splitlines()))
        > (LONGEST_TEST_MODULE if path.parts[0] == "tests" else LONGEST_MODULE)
    }
    assert long == {}


def test_functions_stay_readable() -> None:
    long = {
        f"{path}:{function.lineno} {function.name}": length
        for path, tree in modules().items()
        if "migrations" not in path.parts
        for function in functions(tree)
        if (length := (function.end_lineno or 0) - function.lineno + 1)
        > (LONGEST_HANDLE if function.name == "handle" else LONGEST_FUNCTION)
    }
    assert long == {}


def test_no_module_has_a_name_that_says_nothing() -> None:
    assert [str(path) for path in modules() if SAYS_NOTHING & {path.stem, *path.parts}] == []


def test_only_home_opens_a_write_transaction_in_tracking() -> None:
    stray = [
        f"{path}:{call.lineno}"
        for path, tree in product().items()
        if path.parts[0] == "tracking" and path != Path("tracking/home.py")
        for call in stray_transactions(tree)
    ]
    assert stray == [], "home.writing() is the only write transaction in tracking"


def test_a_stray_write_transaction_is_found() -> None:
    plain = "with transaction.atomic():\n    pass"
    aliased = "with atomic(using='target'):\n    pass"
    decorated = "@transaction.atomic\ndef save(): ..."
    beside = "with transaction.atomic(using='default'), home.writing(person=p, reason=r):\n    pass"
    for text, found in ((plain, 1), (aliased, 1), (decorated, 1), (beside, 0)):
        assert len(stray_transactions(ast.parse(text))) == found, text


def stray_transactions(tree: ast.Module) -> list[ast.Attribute | ast.Name]:
    """Return the uses of ``atomic``, but for the control plane's beside ``home.writing()`` in one ``with``."""
    beside: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.With) and any("home.writing(" in ast.unparse(item) for item in node.items):
            for item in node.items:
                if ast.unparse(item) == "transaction.atomic(using='default')":
                    beside.update(ast.walk(item))
    return [
        node
        for node in ast.walk(tree)
        if (isinstance(node, ast.Attribute) and node.attr == "atomic")
        or (isinstance(node, ast.Name) and node.id == "atomic")
        if node not in beside
    ]


def test_every_module_says_what_it_is_for() -> None:
    silent = [str(path) for path, tree in product().items() if tree.body and not ast.get_docstring(tree)]
    assert silent == []


def test_every_public_function_says_what_it_takes_and_gives() -> None:
    silent = [
        f"{path}:{node.lineno} {node.name}"
        for path, tree in product().items()
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
        if not node.name.startswith("_") and not ast.get_docstring(node)
    ]
    assert silent == []


def test_every_command_says_what_it_does() -> None:
    commands = own_commands()
    assert len(commands) > 10
    for name, command in commands.items():
        assert type(command).__doc__, f"{name} has no docstring"
        assert command.help.strip(), f"{name} has no help"


def test_no_file_names_a_place_to_download_from() -> None:
    reserved = r"(127\.0\.0\.1|localhost|testserver|\[::1\]|([\w-]+\.)*(example|test|invalid)(\.(com|org|net))?)\b"
    # The demo's legacy functions and the namespaces of XML hold addresses that nobody opens.
    harmless = re.compile(rf"https?://({reserved}|site\b|tenant\b|www\.w3\.org/|[^\w\[])")
    registries = ("py" + "pi.", "python" + "hosted", "npm" + "js", "jsde" + "livr", "unp" + "kg")
    found = []
    for path in files():
        text = (PROJECT / path).read_text()
        found += [f"{path}: {a}" for a in re.findall(r"https?://[^\s]+", text) if not harmless.match(a)]
        found += [f"{path}: {word}" for word in registries if word in text.lower()]
    assert found == []


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_every_pin_has_its_hashes_and_no_address(name: str) -> None:
    text = (PROJECT / name).read_text()
    pins = re.split(r"\n(?=[a-z0-9])", text)[1:]
    assert len(pins) > 10
    for pin in pins:
        assert "==" in pin.split("\n")[0]
        assert "--hash=sha256:" in pin, pin
    assert "://" not in text
    assert "--index" not in text
    assert "--find-links" not in text


def test_the_tests_run_on_the_pins_of_the_product() -> None:
    product_pins, test_pins = (
        set(re.findall(r"^([a-z0-9-]+==[^ ]+)", (PROJECT / name).read_text(), re.MULTILINE))
        for name in ("requirements.txt", "requirements-dev.txt")
    )
    assert product_pins <= test_pins


def test_the_models_and_their_migrations_agree() -> None:
    out = StringIO()
    call_command("makemigrations", check=True, dry_run=True, stdout=out)
    assert "No changes detected" in out.getvalue()
