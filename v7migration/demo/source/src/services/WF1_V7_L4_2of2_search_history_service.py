"""Finds and changes search_history."""

from src.models.search_history import SearchHistory


def find(session, wanted):
    """Rows of search_history whose status is wanted."""
    return session.query(SearchHistory).filter(SearchHistory.status == wanted).all()
