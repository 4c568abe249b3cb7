"""What the API takes and gives for local_businesses."""

from pydantic import BaseModel

from src.models.WF3_V2_L1_1of2_LocalBusinessModel import LocalBusinessCurationStatus


class LocalBusinessRead(BaseModel):
    id: str
    curation_status: LocalBusinessCurationStatus
