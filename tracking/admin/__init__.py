"""The tracked rows in the admin, one module per kind."""

from tracking.admin import files, registries, rows, views

__all__ = ["files", "registries", "rows", "views"]
