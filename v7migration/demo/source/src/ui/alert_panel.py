"""The panel of alerts."""

SEVERITIES = ["low", "medium", "high", "critical"]
