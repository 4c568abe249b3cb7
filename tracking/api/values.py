"""The kinds of values that bodies and queries hold: what the columns can keep, said in the document."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, Field

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


def left_out() -> Any:
    """Return the default of a field of a change: it may be left out, and then the row keeps what it has."""
    return Field(default_factory=str)


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
Names = Annotated[list[Name], Field(max_length=MANY)]
Texts = Annotated[list[Text], Field(max_length=MANY)]
Labels = Annotated[list[Label], Field(max_length=MANY)]
Numbers = Annotated[list[Number], Field(max_length=MANY)]
Document = Annotated[dict[str, Any], AfterValidator(_keepable)]
AnyJson = Annotated[Any, AfterValidator(_keepable)]
Columns = Annotated[dict[str, Names], AfterValidator(_keepable), Field(description="columns by their table")]
