"""Routes below /sitemaps."""

from fastapi import APIRouter

from src.schemas.WF5_V7_L2_1of2_SitemapSchemas import SitemapRead
from src.services.sitemap_service import find

router = APIRouter(prefix="/sitemaps")


@router.get("/", response_model=list[SitemapRead])
def listing(wanted: str):
    return find(None, wanted)
