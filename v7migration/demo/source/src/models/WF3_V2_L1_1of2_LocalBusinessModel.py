"""LocalBusiness: a row of local_businesses."""

from enum import Enum as PyEnum

from sqlalchemy import Column, Enum, String

from src.models.base import Base


class LocalBusinessCurationStatus(str, PyEnum):
    NEW = "New"
    QUEUED = "Queued"
    PROCESSING = "Processing"
    COMPLETE = "Complete"
    ERROR = "Error"
    SKIPPED = "Skipped"


class LocalBusiness(Base):
    __tablename__ = "local_businesses"

    id = Column(String, primary_key=True)
    curation_status = Column(Enum(LocalBusinessCurationStatus, name="local_business_curation_status", values_callable=lambda e: [m.value for m in e]))
