"""What the API takes and gives for sitemap_imports."""

from pydantic import BaseModel

from src.models.sitemap_import import SitemapImportProcessStatus


class SitemapImportRead(BaseModel):
    id: str
    process_status: SitemapImportProcessStatus
