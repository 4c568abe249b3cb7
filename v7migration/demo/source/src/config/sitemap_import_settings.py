"""Settings of workflow 6."""

WORKFLOW = "WF6"
BATCH_SIZE = 150
DEFAULT_STATUS = "Queued"
