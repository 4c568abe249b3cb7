"""What the API takes and gives for pages."""

from pydantic import BaseModel

from src.models.page_progress import PageProcessingStatus


class PageProgressRead(BaseModel):
    id: str
    processing_status: PageProcessingStatus
