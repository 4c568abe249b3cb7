"""What the API takes and gives for staging_batches."""

from pydantic import BaseModel

from src.models.WF2_V7_2of2_StagingBatchModel import BatchState


class StagingBatchRead(BaseModel):
    id: str
    state: BatchState
