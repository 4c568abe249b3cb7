"""The panel of workflow 1."""

from src.services.WF1_V7_L4_1of2_place_search_service import find

CHOICES = ["Idle", "Searching", "Found", "Not_Found", "Failed"]


def rows(session, wanted=CHOICES[0]):
    return [row.id for row in find(session, wanted)]
