"""The manual."""

project = "Site curation"
extensions = []
