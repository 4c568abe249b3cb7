"""What the API takes and gives for sitemaps."""

from pydantic import BaseModel

from src.models.WF5_V7_L1_1of2_SitemapModel import SitemapType


class SitemapRead(BaseModel):
    id: str
    sitemap_type: SitemapType
