"""SitemapFile: a row of sitemap_files."""

from enum import Enum as PyEnum

from sqlalchemy import Column, Enum, String

from src.models.base import Base


class SitemapFileType(str, PyEnum):
    VIDEO = "VIDEO"
    IMAGE = "IMAGE"
    STANDARD = "STANDARD"
    INDEX = "INDEX"
    NEWS = "NEWS"


class SitemapFile(Base):
    __tablename__ = "sitemap_files"

    id = Column(String, primary_key=True)
    file_type = Column(Enum(SitemapFileType, name="sitemap_file_type", values_callable=lambda e: [m.value for m in e]))
