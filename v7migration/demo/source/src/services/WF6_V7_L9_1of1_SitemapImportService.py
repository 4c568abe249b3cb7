"""Finds and changes sitemap_imports."""

from src.models.sitemap_import import SitemapImport


def find(session, wanted):
    """Rows of sitemap_imports whose process_status is wanted."""
    return session.query(SitemapImport).filter(SitemapImport.process_status == wanted).all()
