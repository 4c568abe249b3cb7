from src.models.WF8_V7_L1_1of2_ContactModel import ContactEmailType


def test_the_first_status_is_known():
    assert ContactEmailType.SERVICE.value == "service"
