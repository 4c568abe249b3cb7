"""Finds and changes pages."""

from src.models.page import Page


def find(session, wanted):
    """Rows of pages whose page_type is wanted."""
    return session.query(Page).filter(Page.page_type == wanted).all()
