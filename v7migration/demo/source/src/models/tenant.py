"""Tenant: a row of tenants."""

from sqlalchemy import Column, Enum, String

from src.models.base import Base


class Tenant(Base):
    __tablename__ = "tenants"

    id = Column(String, primary_key=True)
    state = Column(Enum("ACTIVE", "INACTIVE", "ARCHIVED", name="tenant_state"))
    currency = Column(Enum("EUR", "USD", "GBP", name="currency_code"))
