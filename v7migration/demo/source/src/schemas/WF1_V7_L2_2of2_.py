"""What the API takes and gives for search_history."""

from pydantic import BaseModel

from src.models.search_history import SingleSearchStatus


class SearchHistoryRead(BaseModel):
    id: str
    status: SingleSearchStatus
