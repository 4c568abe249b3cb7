"""What every test starts from."""

import pytest


@pytest.fixture
def wanted():
    return "New"
