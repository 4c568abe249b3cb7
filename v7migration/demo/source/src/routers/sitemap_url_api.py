"""Routes below /sitemap_urls."""

from fastapi import APIRouter

from src.schemas.sitemap_url_schemas import SitemapUrlRead
from src.services.sitemap_url_service import find

router = APIRouter(prefix="/sitemap_urls")


@router.get("/", response_model=list[SitemapUrlRead])
def listing(wanted: str):
    return find(None, wanted)
