"""The panel of workflow 2."""

from src.services.places_staging_service import find

CHOICES = ["New", "Queued", "Processing", "Complete", "Error", "Skipped"]


def rows(session, wanted=CHOICES[0]):
    return [row.id for row in find(session, wanted)]
