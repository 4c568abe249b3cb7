from src.models.sitemap_import import SitemapImportProcessStatus


def test_the_first_status_is_known():
    assert SitemapImportProcessStatus.QUEUED.value == "Queued"
