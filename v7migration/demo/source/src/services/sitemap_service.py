"""Finds and changes sitemaps."""

from src.models.WF5_V7_L1_1of2_SitemapModel import Sitemap


def find(session, wanted):
    """Rows of sitemaps whose sitemap_type is wanted."""
    return session.query(Sitemap).filter(Sitemap.sitemap_type == wanted).all()
