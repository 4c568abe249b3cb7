"""Guide to workflow 3, built into the manual."""

TITLE = "Local Business"
CHAPTERS = ["Purpose", "Daily use", "Statuses"]
