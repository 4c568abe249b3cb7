"""SitemapImport: a row of sitemap_imports."""

from enum import Enum as PyEnum

from sqlalchemy import Column, Enum, String

from src.models.base import Base


class SitemapImportProcessStatus(str, PyEnum):
    QUEUED = "Queued"
    PROCESSING = "Processing"
    COMPLETE = "Complete"
    ERROR = "Error"
    PAUSED = "Paused"


class SitemapImport(Base):
    __tablename__ = "sitemap_imports"

    id = Column(String, primary_key=True)
    process_status = Column(Enum(SitemapImportProcessStatus, name="sitemap_import_process_status", values_callable=lambda e: [m.value for m in e]))
