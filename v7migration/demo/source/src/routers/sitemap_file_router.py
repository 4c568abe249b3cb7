"""Routes below /sitemap_files."""

from fastapi import APIRouter

from src.schemas.WF5_V7_L2_2of2_SitemapFileSchemas import SitemapFileRead
from src.services.sitemap_file_service import find

router = APIRouter(prefix="/sitemap_files")


@router.get("/", response_model=list[SitemapFileRead])
def listing(wanted: str):
    return find(None, wanted)
