"""Finds and changes staging_batches."""

from src.models.WF2_V7_2of2_StagingBatchModel import StagingBatch


def find(session, wanted):
    """Rows of staging_batches whose state is wanted."""
    return session.query(StagingBatch).filter(StagingBatch.state == wanted).all()
