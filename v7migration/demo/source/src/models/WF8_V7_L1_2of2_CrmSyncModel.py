"""CrmSync: a row of crm_syncs."""

from enum import Enum as PyEnum

from sqlalchemy import Column, Enum, String

from src.models.base import Base


class Hubspotsyncstatus(str, PyEnum):
    NOT_SYNCED = "not_synced"
    QUEUED = "queued"
    SYNCING = "syncing"
    SYNCED = "synced"
    SYNC_FAILED = "sync_failed"


class CrmSync(Base):
    __tablename__ = "crm_syncs"

    id = Column(String, primary_key=True)
    hubspot = Column(Enum(Hubspotsyncstatus, name="hubspotsyncstatus", values_callable=lambda e: [m.value for m in e]))
