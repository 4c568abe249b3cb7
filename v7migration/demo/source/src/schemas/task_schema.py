"""What the API takes and gives for task_queue."""

from pydantic import BaseModel

from src.models.WF9_V7_L1_2of2_TaskModel import TaskStatus


class TaskRead(BaseModel):
    id: str
    status: TaskStatus
