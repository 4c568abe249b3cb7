"""Finds and changes pages."""

from src.models.page_progress import PageProgress


def find(session, wanted):
    """Rows of pages whose processing_status is wanted."""
    return session.query(PageProgress).filter(PageProgress.processing_status == wanted).all()
