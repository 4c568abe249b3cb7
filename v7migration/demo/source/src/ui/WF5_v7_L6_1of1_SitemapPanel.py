"""The panel of workflow 5."""

from src.services.sitemap_service import find

CHOICES = ["INDEX", "STANDARD", "IMAGE", "VIDEO", "NEWS"]


def rows(session, wanted=CHOICES[0]):
    return [row.id for row in find(session, wanted)]
