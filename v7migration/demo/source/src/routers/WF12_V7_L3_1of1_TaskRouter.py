"""Routes below /task_queue."""

from fastapi import APIRouter

from src.schemas.task_schema import TaskRead
from src.services.task_service import find

router = APIRouter(prefix="/task_queue")


@router.get("/", response_model=list[TaskRead])
def listing(wanted: str):
    return find(None, wanted)
