"""A slice of a list."""

from pydantic import BaseModel


class Slice(BaseModel):
    offset: int = 0
    limit: int = 50
