"""Settings of workflow 3."""

WORKFLOW = "WF3"
BATCH_SIZE = 75
DEFAULT_STATUS = "New"
