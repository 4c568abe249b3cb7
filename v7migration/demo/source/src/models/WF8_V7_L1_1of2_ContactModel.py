"""Contact: a row of contacts."""

from enum import Enum as PyEnum

from sqlalchemy import Column, Enum, String

from src.models.base import Base


class ContactEmailType(str, PyEnum):
    SERVICE = "service"
    CORPORATE = "corporate"
    PERSONAL = "personal"
    UNKNOWN = "unknown"


class Contact(Base):
    __tablename__ = "contacts"

    id = Column(String, primary_key=True)
    email_type = Column(Enum(ContactEmailType, name="contact_email_type", values_callable=lambda e: [m.value for m in e]))
