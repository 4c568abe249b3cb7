"""The admin's look (django-unfold)."""

from __future__ import annotations

from typing import Any

UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "V7 Migration",
    "SITE_HEADER": "V7 Migration",
    "SITE_SYMBOL": "database",
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
}
