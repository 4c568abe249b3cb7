"""Sitemap: a row of sitemaps."""

from enum import Enum as PyEnum

from sqlalchemy import Column, Enum, String

from src.models.base import Base


class SitemapType(str, PyEnum):
    INDEX = "INDEX"
    STANDARD = "STANDARD"
    IMAGE = "IMAGE"
    VIDEO = "VIDEO"
    NEWS = "NEWS"


class Sitemap(Base):
    __tablename__ = "sitemaps"

    id = Column(String, primary_key=True)
    sitemap_type = Column(Enum(SitemapType, name="sitemap_type", values_callable=lambda e: [m.value for m in e]))
