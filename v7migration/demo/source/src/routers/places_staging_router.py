"""Routes below /places_staging."""

from fastapi import APIRouter

from src.schemas.places_staging_schemas import PlacesStagingRead
from src.services.places_staging_service import find

router = APIRouter(prefix="/places_staging")


@router.get("/", response_model=list[PlacesStagingRead])
def listing(wanted: str):
    return find(None, wanted)
