"""What the API takes and gives for jobs."""

from pydantic import BaseModel

from src.models.WF9_V7_L1_1of2_JobModel import JobStatus


class JobRead(BaseModel):
    id: str
    status: JobStatus
