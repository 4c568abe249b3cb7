"""Guide to workflow 4, built into the manual."""

TITLE = "Domain"
CHAPTERS = ["Purpose", "Daily use", "Statuses"]
