"""Finds and changes domains."""

from src.models.WF4_V7_L1_2of2_DomainCheckModel import DomainCheck


def find(session, wanted):
    """Rows of domains whose has_sitemap is wanted."""
    return session.query(DomainCheck).filter(DomainCheck.has_sitemap == wanted).all()
