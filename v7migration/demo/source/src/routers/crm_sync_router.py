"""Routes below /crm_syncs."""

from fastapi import APIRouter

from src.schemas.crm_sync_schemas import CrmSyncRead
from src.services.crm_sync_service import find

router = APIRouter(prefix="/crm_syncs")


@router.get("/", response_model=list[CrmSyncRead])
def listing(wanted: str):
    return find(None, wanted)
