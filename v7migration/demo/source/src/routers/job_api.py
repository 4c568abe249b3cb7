"""Routes below /jobs."""

from fastapi import APIRouter

from src.schemas.job_schema import JobRead
from src.services.WF9V7_L4_1of1_JobService import find

router = APIRouter(prefix="/jobs")


@router.get("/", response_model=list[JobRead])
def listing(wanted: str):
    return find(None, wanted)
