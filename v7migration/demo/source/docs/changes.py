"""What changed, month by month."""

MONTHS = ["2025-05", "2025-06"]
