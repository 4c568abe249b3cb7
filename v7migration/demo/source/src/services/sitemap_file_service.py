"""Finds and changes sitemap_files."""

from src.models.wf5_v7_l1_2of2_sitemap_file_model import SitemapFile


def find(session, wanted):
    """Rows of sitemap_files whose file_type is wanted."""
    return session.query(SitemapFile).filter(SitemapFile.file_type == wanted).all()
