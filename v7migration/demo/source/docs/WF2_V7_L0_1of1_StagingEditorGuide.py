"""Guide to workflow 2, built into the manual."""

TITLE = "Staging Editor"
CHAPTERS = ["Purpose", "Daily use", "Statuses"]
