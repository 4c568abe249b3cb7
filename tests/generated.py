"""The modules that v7_integrate writes, imported as the application would import them."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

PROJECT = Path(__file__).resolve().parent.parent


@contextmanager
def imported(text: str, directory: Path, name: str) -> Iterator[ModuleType]:
    """Write a text as a module, import it under its name, and forget it afterwards."""
    path = directory / f"{name}.py"
    path.write_text(text, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    sys.modules[name] = found
    try:
        spec.loader.exec_module(found)
        yield found
    finally:
        del sys.modules[name]
