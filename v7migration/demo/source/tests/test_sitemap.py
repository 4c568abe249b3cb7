from src.models.WF5_V7_L1_1of2_SitemapModel import SitemapType


def test_the_first_status_is_known():
    assert SitemapType.INDEX.value == "INDEX"
