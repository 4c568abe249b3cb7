"""Finds and changes BusinessCategory."""

from src.models.business_category import BusinessCategory


def find(session, wanted):
    """Rows of BusinessCategory whose ReviewStatus is wanted."""
    return session.query(BusinessCategory).filter(BusinessCategory.ReviewStatus == wanted).all()
