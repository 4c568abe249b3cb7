"""Routes below /pages."""

from fastapi import APIRouter

from src.schemas.page_progress_schema import PageProgressRead
from src.services.page_progress_service import find

router = APIRouter(prefix="/pages")


@router.get("/", response_model=list[PageProgressRead])
def listing(wanted: str):
    return find(None, wanted)
