"""What the API takes and gives for contacts."""

from pydantic import BaseModel

from src.models.WF8_V7_L1_1of2_ContactModel import ContactEmailType


class ContactRead(BaseModel):
    id: str
    email_type: ContactEmailType
