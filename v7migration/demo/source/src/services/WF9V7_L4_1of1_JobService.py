"""Finds and changes jobs."""

from src.models.WF9_V7_L1_1of2_JobModel import Job


def find(session, wanted):
    """Rows of jobs whose status is wanted."""
    return session.query(Job).filter(Job.status == wanted).all()
