from src.models.enums import CurationStatus


def test_there_are_six_statuses():
    assert len(CurationStatus) == 6
