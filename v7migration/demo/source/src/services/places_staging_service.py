"""Finds and changes places_staging."""

from src.models.places_staging import PlacesStaging


def find(session, wanted):
    """Rows of places_staging whose curation_status is wanted."""
    return session.query(PlacesStaging).filter(PlacesStaging.curation_status == wanted).all()
