"""Finds and changes sitemap_urls."""

from src.models.sitemap_url import SitemapUrl


def find(session, wanted):
    """Rows of sitemap_urls whose source_type is wanted."""
    return session.query(SitemapUrl).filter(SitemapUrl.source_type == wanted).all()
