"""Settings of workflow 1."""

WORKFLOW = "WF1"
BATCH_SIZE = 25
DEFAULT_STATUS = "Idle"
