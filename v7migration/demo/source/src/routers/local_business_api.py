"""Routes below /local_businesses."""

from fastapi import APIRouter

from src.schemas.local_business_schema import LocalBusinessRead
from src.services.local_business_service import find

router = APIRouter(prefix="/local_businesses")


@router.get("/", response_model=list[LocalBusinessRead])
def listing(wanted: str):
    return find(None, wanted)
