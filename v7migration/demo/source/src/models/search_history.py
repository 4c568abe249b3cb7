"""SearchHistory: a row of search_history."""

from enum import Enum as PyEnum

from sqlalchemy import Column, Enum, String

from src.models.base import Base


class SingleSearchStatus(str, PyEnum):
    IDLE = "Idle"
    SEARCHING = "Searching"
    FOUND = "Found"
    NOT_FOUND = "Not_Found"


class SearchHistory(Base):
    __tablename__ = "search_history"

    id = Column(String, primary_key=True)
    status = Column(Enum(SingleSearchStatus, name="single_search_status", values_callable=lambda e: [m.value for m in e]))
