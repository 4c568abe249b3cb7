"""The panel of workflow 9."""

from src.services.WF9V7_L4_1of1_JobService import find

CHOICES = ["pending", "running", "completed", "failed", "cancelled"]


def rows(session, wanted=CHOICES[0]):
    return [row.id for row in find(session, wanted)]
