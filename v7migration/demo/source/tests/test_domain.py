from src.models.WF4_V7_L1_1of2_DomainModel import DomainCurationStatus


def test_the_first_status_is_known():
    assert DomainCurationStatus.NEW.value == "New"
