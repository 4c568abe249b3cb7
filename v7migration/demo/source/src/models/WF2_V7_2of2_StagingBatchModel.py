"""StagingBatch: a row of staging_batches."""

from enum import Enum as PyEnum

from sqlalchemy import Column, Enum, String

from src.models.base import Base


class BatchState(str, PyEnum):
    ACTIVE = "active"
    INACTIVE = "inactive"
    ARCHIVED = "archived"
    PAUSED = "Paused"


class StagingBatch(Base):
    __tablename__ = "staging_batches"

    id = Column(String, primary_key=True)
    state = Column(Enum(BatchState, name="batch_state", values_callable=lambda e: [m.value for m in e]))
