from src.services.page_scraper_new import engine


def test_engines_take_turns():
    assert engine(0) == "requests"
