"""Settings of workflow 5."""

WORKFLOW = "WF5"
BATCH_SIZE = 125
DEFAULT_STATUS = "INDEX"
