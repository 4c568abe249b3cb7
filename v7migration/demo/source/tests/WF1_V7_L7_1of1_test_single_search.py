from src.models.place_search import SearchStatus


def test_the_first_status_is_known():
    assert SearchStatus.IDLE.value == "Idle"
