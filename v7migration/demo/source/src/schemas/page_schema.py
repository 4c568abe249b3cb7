"""What the API takes and gives for pages."""

from pydantic import BaseModel

from src.models.page import PageType


class PageRead(BaseModel):
    id: str
    page_type: PageType
