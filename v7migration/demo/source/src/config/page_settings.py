"""Settings of workflow 7."""

WORKFLOW = "WF7"
BATCH_SIZE = 175
DEFAULT_STATUS = "home"
