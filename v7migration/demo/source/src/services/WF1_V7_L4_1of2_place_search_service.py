"""Finds and changes place_searches."""

from src.models.place_search import PlaceSearch


def find(session, wanted):
    """Rows of place_searches whose status is wanted."""
    return session.query(PlaceSearch).filter(PlaceSearch.status == wanted).all()
