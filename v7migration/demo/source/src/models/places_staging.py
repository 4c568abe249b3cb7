"""PlacesStaging: a row of places_staging."""

from enum import Enum as PyEnum

from sqlalchemy import Column, Enum, String

from src.models.base import Base


class PlaceCurationStatus(str, PyEnum):
    NEW = "New"
    QUEUED = "Queued"
    PROCESSING = "Processing"
    COMPLETE = "Complete"
    ERROR = "Error"
    SKIPPED = "Skipped"


class PlacesStaging(Base):
    __tablename__ = "places_staging"

    id = Column(String, primary_key=True)
    curation_status = Column(Enum(PlaceCurationStatus, name="place_curation_status", values_callable=lambda e: [m.value for m in e]))
