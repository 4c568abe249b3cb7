"""Routes below /contacts."""

from fastapi import APIRouter

from src.schemas.contact_schemas import ContactRead
from src.services.contact_service import find

router = APIRouter(prefix="/contacts")


@router.get("/", response_model=list[ContactRead])
def listing(wanted: str):
    return find(None, wanted)
