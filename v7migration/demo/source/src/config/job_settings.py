"""Settings of workflow 9."""

WORKFLOW = "WF9"
BATCH_SIZE = 225
DEFAULT_STATUS = "pending"
