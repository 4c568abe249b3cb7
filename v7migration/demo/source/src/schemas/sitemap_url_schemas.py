"""What the API takes and gives for sitemap_urls."""

from pydantic import BaseModel

from src.models.sitemap_url import SitemapTypeEnum


class SitemapUrlRead(BaseModel):
    id: str
    source_type: SitemapTypeEnum
