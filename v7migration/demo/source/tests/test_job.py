from src.models.WF9_V7_L1_1of2_JobModel import JobStatus


def test_the_first_status_is_known():
    assert JobStatus.PENDING.value == "pending"
