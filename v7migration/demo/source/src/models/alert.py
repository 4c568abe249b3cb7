"""Alert: a row of alerts."""

from sqlalchemy import Column, Enum, Integer

from src.models.base import Base


class Alert(Base):
    __tablename__ = "alerts"

    id = Column(Integer, primary_key=True)
    severity = Column(Enum("low", "medium", "high", name="alert_severity"))
