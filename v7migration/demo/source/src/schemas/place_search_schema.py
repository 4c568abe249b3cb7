"""What the API takes and gives for place_searches."""

from pydantic import BaseModel

from src.models.place_search import SearchStatus


class PlaceSearchRead(BaseModel):
    id: str
    status: SearchStatus
