"""Routes below /domains."""

from fastapi import APIRouter

import importlib

DomainRead = importlib.import_module("src.schemas.WF4-V7-L2-1of2-DomainSchemas").DomainRead
from src.services.domain_service import find

router = APIRouter(prefix="/domains")


@router.get("/", response_model=list[DomainRead])
def listing(wanted: str):
    return find(None, wanted)
