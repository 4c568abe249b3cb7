"""The panel of workflow 8."""

from src.services.contact_service import find

CHOICES = ["service", "corporate", "personal", "unknown"]


def rows(session, wanted=CHOICES[0]):
    return [row.id for row in find(session, wanted)]
