"""What the API takes and gives for BusinessCategory."""

from pydantic import BaseModel

from src.models.business_category import CurationStatus


class BusinessCategoryRead(BaseModel):
    id: str
    ReviewStatus: CurationStatus
