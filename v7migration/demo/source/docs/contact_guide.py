"""Guide to workflow 8, built into the manual."""

TITLE = "Contact"
CHAPTERS = ["Purpose", "Daily use", "Statuses"]
