"""Routes below /search_history."""

from fastapi import APIRouter

from src.schemas.WF1_V7_L2_2of2_ import SearchHistoryRead
from src.services.WF1_V7_L4_2of2_search_history_service import find

router = APIRouter(prefix="/search_history")


@router.get("/", response_model=list[SearchHistoryRead])
def listing(wanted: str):
    return find(None, wanted)
