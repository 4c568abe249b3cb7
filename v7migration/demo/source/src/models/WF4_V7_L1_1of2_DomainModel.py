"""Domain: a row of domains."""

from enum import Enum as PyEnum

from sqlalchemy import Column, Enum, String

from src.models.base import Base


class DomainCurationStatus(str, PyEnum):
    NEW = "New"
    QUEUED = "Queued"
    PROCESSING = "Processing"
    COMPLETE = "Complete"
    ERROR = "Error"
    SKIPPED = "Skipped"


class Domain(Base):
    __tablename__ = "domains"

    id = Column(String, primary_key=True)
    curation_status = Column(Enum(DomainCurationStatus, name="domain_curation_status", values_callable=lambda e: [m.value for m in e]))
