"""Guide to workflow 9, built into the manual."""

TITLE = "Job"
CHAPTERS = ["Purpose", "Daily use", "Statuses"]
