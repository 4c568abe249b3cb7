"""The panel of workflow 3."""

from src.services.local_business_service import find

CHOICES = ["New", "Queued", "Processing", "Complete", "Error", "Skipped"]


def rows(session, wanted=CHOICES[0]):
    return [row.id for row in find(session, wanted)]
