"""What the API takes and gives for domains."""

from pydantic import BaseModel

from src.models.WF4_V7_L1_1of2_DomainModel import DomainCurationStatus


class DomainRead(BaseModel):
    id: str
    curation_status: DomainCurationStatus
