"""Reads a tree of Python sources, without Django and without importing a line of it (document 2.1.3)."""
