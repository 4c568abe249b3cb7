"""PlaceSearch: a row of place_searches."""

from enum import Enum as PyEnum

from sqlalchemy import Column, Enum, String

from src.models.base import Base


class SearchStatus(str, PyEnum):
    IDLE = "Idle"
    SEARCHING = "Searching"
    FOUND = "Found"
    NOT_FOUND = "Not_Found"
    FAILED = "Failed"


class PlaceSearch(Base):
    __tablename__ = "place_searches"

    id = Column(String, primary_key=True)
    status = Column(Enum(SearchStatus, name="search_status", values_callable=lambda e: [m.value for m in e]))
