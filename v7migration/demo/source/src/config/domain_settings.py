"""Settings of workflow 4."""

WORKFLOW = "WF4"
BATCH_SIZE = 100
DEFAULT_STATUS = "New"
