"""PageProgress: a row of pages."""

from enum import Enum as PyEnum

from sqlalchemy import Column, Enum, String

from src.models.base import Base


class PageProcessingStatus(str, PyEnum):
    QUEUED = "Queued"
    PROCESSING = "Processing"
    COMPLETE = "Complete"


class PageProgress(Base):
    __tablename__ = "pages"

    id = Column(String, primary_key=True)
    processing_status = Column(Enum(PageProcessingStatus, name="page_processing_status", values_callable=lambda e: [m.value for m in e]))
