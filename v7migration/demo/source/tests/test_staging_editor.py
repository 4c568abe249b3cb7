from src.models.places_staging import PlaceCurationStatus


def test_the_first_status_is_known():
    assert PlaceCurationStatus.NEW.value == "New"
