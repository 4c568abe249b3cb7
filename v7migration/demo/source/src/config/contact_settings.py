"""Settings of workflow 8."""

WORKFLOW = "WF8"
BATCH_SIZE = 200
DEFAULT_STATUS = "service"
