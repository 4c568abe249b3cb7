"""The panel of workflow 6."""

from src.services.WF6_V7_L9_1of1_SitemapImportService import find

CHOICES = ["Queued", "Processing", "Complete", "Error", "Paused"]


def rows(session, wanted=CHOICES[0]):
    return [row.id for row in find(session, wanted)]
