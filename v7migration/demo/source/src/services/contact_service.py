"""Finds and changes contacts."""

from src.models.WF8_V7_L1_1of2_ContactModel import Contact


def find(session, wanted):
    """Rows of contacts whose email_type is wanted."""
    return session.query(Contact).filter(Contact.email_type == wanted).all()
