"""Routes below /staging_batches."""

from fastapi import APIRouter

from src.schemas.staging_batch_schemas import StagingBatchRead
from src.services.staging_batch_service import find

router = APIRouter(prefix="/staging_batches")


@router.get("/", response_model=list[StagingBatchRead])
def listing(wanted: str):
    return find(None, wanted)
