"""Guide to workflow 1, built into the manual."""

TITLE = "Single Search"
CHAPTERS = ["Purpose", "Daily use", "Statuses"]
