"""Routes below /pages."""

from fastapi import APIRouter

from src.schemas.page_schema import PageRead
from src.services.WF7_V7_L4_3of2_PageService import find

router = APIRouter(prefix="/pages")


@router.get("/", response_model=list[PageRead])
def listing(wanted: str):
    return find(None, wanted)
