"""Settings of workflow 2."""

WORKFLOW = "WF2"
BATCH_SIZE = 50
DEFAULT_STATUS = "New"
