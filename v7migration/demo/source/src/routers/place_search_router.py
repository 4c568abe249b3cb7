"""Routes below /place_searches."""

from fastapi import APIRouter

from src.schemas.place_search_schema import PlaceSearchRead
from src.services.WF1_V7_L4_1of2_place_search_service import find

router = APIRouter(prefix="/place_searches")


@router.get("/", response_model=list[PlaceSearchRead])
def listing(wanted: str):
    return find(None, wanted)
