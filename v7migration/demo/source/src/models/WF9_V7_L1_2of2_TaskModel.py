"""Task: a row of task_queue."""

from enum import Enum as PyEnum

from sqlalchemy import Column, Enum, String

from src.models.base import Base


class TaskStatus(str, PyEnum):
    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Task(Base):
    __tablename__ = "task_queue"

    id = Column(String, primary_key=True)
    status = Column(Enum(TaskStatus, name="task_status", values_callable=lambda e: [m.value for m in e]))
