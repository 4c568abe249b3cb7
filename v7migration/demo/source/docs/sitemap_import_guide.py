"""Guide to workflow 6, built into the manual."""

TITLE = "Sitemap Import"
CHAPTERS = ["Purpose", "Daily use", "Statuses"]
