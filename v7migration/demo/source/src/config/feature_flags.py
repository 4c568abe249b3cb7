"""Flags that were meant to go."""

NEW_SCRAPER = False
