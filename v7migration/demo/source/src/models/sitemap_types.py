"""Kinds of sitemap, for curation and import."""

from enum import Enum


class SitemapType(str, Enum):
    INDEX = "index"
    STANDARD = "standard"
    IMAGE = "image"
