"""What the API takes and gives for sitemap_files."""

from pydantic import BaseModel

from src.models.wf5_v7_l1_2of2_sitemap_file_model import SitemapFileType


class SitemapFileRead(BaseModel):
    id: str
    file_type: SitemapFileType
