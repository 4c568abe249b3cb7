"""What the API takes and gives for places_staging."""

from pydantic import BaseModel

from src.models.places_staging import PlaceCurationStatus


class PlacesStagingRead(BaseModel):
    id: str
    curation_status: PlaceCurationStatus
