"""Finds and changes task_queue."""

from src.models.WF9_V7_L1_2of2_TaskModel import Task


def find(session, wanted):
    """Rows of task_queue whose status is wanted."""
    return session.query(Task).filter(Task.status == wanted).all()
