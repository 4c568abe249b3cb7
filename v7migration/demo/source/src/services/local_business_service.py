"""Finds and changes local_businesses."""

from src.models.WF3_V2_L1_1of2_LocalBusinessModel import LocalBusiness


def find(session, wanted):
    """Rows of local_businesses whose curation_status is wanted."""
    return session.query(LocalBusiness).filter(LocalBusiness.curation_status == wanted).all()
