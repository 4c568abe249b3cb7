"""Site curation."""
