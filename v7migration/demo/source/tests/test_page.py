from src.models.page import PageType


def test_the_first_status_is_known():
    assert PageType.HOME.value == "home"
