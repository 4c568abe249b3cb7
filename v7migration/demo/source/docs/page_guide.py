"""Guide to workflow 7, built into the manual."""

TITLE = "Page"
CHAPTERS = ["Purpose", "Daily use", "Statuses"]
