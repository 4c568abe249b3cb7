"""SitemapUrl: a row of sitemap_urls."""

from enum import Enum as PyEnum

from sqlalchemy import Column, Enum, String

from src.models.base import Base


class SitemapTypeEnum(str, PyEnum):
    INDEX = "index"
    STANDARD = "standard"
    IMAGE = "image"
    VIDEO = "video"
    NEWS = "news"


class SitemapUrl(Base):
    __tablename__ = "sitemap_urls"

    id = Column(String, primary_key=True)
    source_type = Column(Enum(SitemapTypeEnum, name="sitemap_type_enum", values_callable=lambda e: [m.value for m in e]))
