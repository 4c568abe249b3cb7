"""Guide to workflow 5, built into the manual."""

TITLE = "Sitemap"
CHAPTERS = ["Purpose", "Daily use", "Statuses"]
