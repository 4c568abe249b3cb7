"""A page as a line of a file."""

from pydantic import BaseModel


class PageExport(BaseModel):
    url: str
    page_type: str
