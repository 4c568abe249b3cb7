"""Routes below /domains."""

from fastapi import APIRouter

from src.schemas.domain_check_schemas import DomainCheckRead
from src.services.WF4_V7_L3_1of1_DomainCheckService import find

router = APIRouter(prefix="/domains")


@router.get("/", response_model=list[DomainCheckRead])
def listing(wanted: str):
    return find(None, wanted)
