from src.models.WF3_V2_L1_1of2_LocalBusinessModel import LocalBusinessCurationStatus


def test_the_first_status_is_known():
    assert LocalBusinessCurationStatus.NEW.value == "New"
