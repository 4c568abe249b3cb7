"""Routes below /sitemap_imports."""

from fastapi import APIRouter

from src.schemas.sitemap_import_schemas import SitemapImportRead
from src.services.WF6_V7_L9_1of1_SitemapImportService import find

router = APIRouter(prefix="/sitemap_imports")


@router.get("/", response_model=list[SitemapImportRead])
def listing(wanted: str):
    return find(None, wanted)
