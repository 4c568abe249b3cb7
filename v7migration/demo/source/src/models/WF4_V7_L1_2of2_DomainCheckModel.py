"""DomainCheck: a row of domains."""

from enum import Enum as PyEnum

from sqlalchemy import Column, Enum, String

from src.models.base import Base


class HasSitemapFlag(str, PyEnum):
    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class DomainCheck(Base):
    __tablename__ = "domains"

    id = Column(String, primary_key=True)
    has_sitemap = Column(Enum(HasSitemapFlag, name="has_sitemap_flag", values_callable=lambda e: [m.value for m in e]))
