"""BusinessCategory: a row of BusinessCategory."""

from enum import Enum as PyEnum

from sqlalchemy import Column, Enum, String

from src.models.base import Base


class CurationStatus(str, PyEnum):
    NEW = "new"
    QUEUED = "queued"
    PROCESSING = "processing"
    COMPLETE = "complete"
    ERROR = "error"
    SKIPPED = "skipped"


class BusinessCategory(Base):
    __tablename__ = "BusinessCategory"

    id = Column(String, primary_key=True)
    ReviewStatus = Column(Enum(CurationStatus, name="CurationStatus", values_callable=lambda e: [m.value for m in e]))
