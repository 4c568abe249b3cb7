"""Generate a module for the application and put it into its file, or return it."""

from __future__ import annotations

import hashlib
import keyword
import re
from pathlib import Path
from typing import Any

from v7migration.errors import UsageError
from v7migration.pipeline.integrate.module_file import header, put
from v7migration.pipeline.integrate.pydantic_module import pydantic_module
from v7migration.pipeline.integrate.reading import describe
from v7migration.pipeline.integrate.sqlalchemy_module import sqlalchemy_module

SQLALCHEMY, PYDANTIC = "sqlalchemy", "pydantic"


def generate_sqlalchemy(*, out: Path | None = None, base: str = "") -> dict[str, Any]:
    """Generate the SQLAlchemy module.

    Args:
        out: the file; without one nothing is written and the answer holds the text.
        base: the application's declarative base as ``module:Name``; without it the module declares its own.

    Returns:
        ``kind``, ``fingerprint`` (of the models), ``sha256`` (of the text), ``lines``, ``classes``, ``out``,
        ``written`` (whether the file changed) and ``text``.

    Raises:
        UsageError: ``base`` is no ``module:Name``.
        Refused: something else stands in the file, or it cannot be written.
    """
    if base:
        module, colon, name = base.partition(":")
        if not (colon and _is_dotted(module) and _is_dotted(name) and "." not in name):
            raise UsageError(f"{base!r} names no declarative base.", "Write it as app.db:Base.")
    facts = describe()
    options = f" --base {base}" if base else ""
    top = header(SQLALCHEMY, options=options, fingerprint=facts.fingerprint)
    return _kept(SQLALCHEMY, sqlalchemy_module(facts, header=top, base=base), facts.fingerprint, out)


def generate_pydantic(*, out: Path | None = None, enums_from: str = "") -> dict[str, Any]:
    """Generate the Pydantic module; answer and errors as :func:`generate_sqlalchemy`.

    Args:
        out: the file; without one nothing is written and the answer holds the text.
        enums_from: the module that has the enums, such as the one for SQLAlchemy; without it they are declared anew.
    """
    if enums_from and not _is_dotted(enums_from.lstrip(".")):
        raise UsageError(f"{enums_from!r} names no module.", "Write it as app.models.v7.")
    facts = describe()
    options = f" --enums-from {enums_from}" if enums_from else ""
    top = header(PYDANTIC, options=options, fingerprint=facts.fingerprint)
    return _kept(PYDANTIC, pydantic_module(facts, header=top, enums_from=enums_from), facts.fingerprint, out)


def _is_dotted(name: str) -> bool:
    return all(part.isidentifier() and not keyword.iskeyword(part) for part in name.split("."))


def _kept(kind: str, text: str, fingerprint: str, out: Path | None) -> dict[str, Any]:
    return {
        "kind": kind,
        "fingerprint": fingerprint,
        "sha256": hashlib.sha256(text.encode()).hexdigest(),
        "lines": text.count("\n"),
        "classes": re.findall(r"^class (\w+)", text, re.MULTILINE),
        "out": str(out) if out else None,
        "written": put(text, out, kind=kind) if out else False,
        "text": text,
    }
