"""Finds and changes domains."""

from src.models.WF4_V7_L1_1of2_DomainModel import Domain


def find(session, wanted):
    """Rows of domains whose curation_status is wanted."""
    return session.query(Domain).filter(Domain.curation_status == wanted).all()
