"""What the API takes and gives for domains."""

from pydantic import BaseModel

from src.models.WF4_V7_L1_2of2_DomainCheckModel import HasSitemapFlag


class DomainCheckRead(BaseModel):
    id: str
    has_sitemap: HasSitemapFlag
