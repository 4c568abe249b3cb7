"""The kinds of values that bodies and queries hold: what the columns can keep, said in the document."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field

from tracking.jsonb import refuse_unkeepable
from tracking.models.task import DART_TASK_ID

LONG = 20_000
SCRIPT = 200_000
MANY = 500
SMALLEST, BIGGEST = -(2**31), 2**31 - 1
NO_NUL = r"^[^\x00]*$"
SAYS_SOMETHING = r"^[^\x00]*[^\x00\s][^\x00]*$"


def _keepable(value: Any) -> Any:
    refuse_unkeepable(value)
    return value


def _written_out(form: str) -> BeforeValidator:
    """Return the check that a time or a date is text of a form: pydantic alone reads numbers as seconds, too."""

    def check(value: Any) -> Any:
        if value is not None and not (isinstance(value, str) and re.match(form, value)):
            raise ValueError("Write it as RFC 3339 does, such as 2026-11-23T04:00:00.123456Z or 2026-11-23.")
        return value

    return BeforeValidator(check)


def left_out() -> Any:
    """Return the default of a field of a change: it may be left out, and then the row keeps what it has."""
    return Field(default_factory=str)


Moment = Annotated[AwareDatetime, _written_out(r"\d{4}-\d\d-\d\d[Tt ]")]
Day = Annotated[date, _written_out(r"\d{4}-\d\d-\d\d\Z")]
Flag = Annotated[bool, Field(strict=True)]
Text = Annotated[str, Field(max_length=LONG, pattern=NO_NUL)]
Script = Annotated[str, Field(max_length=SCRIPT, pattern=NO_NUL)]
Words = Annotated[str, Field(min_length=1, max_length=LONG, pattern=SAYS_SOMETHING)]
Name = Annotated[str, Field(min_length=1, max_length=200, pattern=SAYS_SOMETHING)]
ShortName = Annotated[str, Field(min_length=1, max_length=100, pattern=SAYS_SOMETHING)]
Label = Annotated[str, Field(max_length=63, pattern=NO_NUL)]
Short = Annotated[str, Field(max_length=200, pattern=NO_NUL)]
Reason = Annotated[
    str, Field(max_length=1_000, pattern=NO_NUL, description="why; the history keeps it, and some moves require it")
]
Url = Annotated[str, Field(max_length=500, pattern=r"^https?://[^\s\x00]+$")]
DartId = Annotated[str, Field(pattern=DART_TASK_ID)]
Number = Annotated[int, Field(ge=SMALLEST, le=BIGGEST)]
WholeNumber = Annotated[int, Field(ge=SMALLEST, le=BIGGEST, strict=True)]
Line = Annotated[str, Field(max_length=1_000, pattern=NO_NUL)]
Names = Annotated[list[Name], Field(max_length=MANY)]
Lines = Annotated[list[Line], Field(max_length=MANY)]
Labels = Annotated[list[Label], Field(max_length=MANY)]
Numbers = Annotated[list[WholeNumber], Field(max_length=MANY)]
Document = Annotated[dict[str, Any], AfterValidator(_keepable)]
AnyJson = Annotated[Any, AfterValidator(_keepable)]
Columns = Annotated[dict[str, Names], AfterValidator(_keepable), Field(description="columns by their table")]
