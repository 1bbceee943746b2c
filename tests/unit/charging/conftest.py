"""Fixtures of the charging rules' tests."""

import pytest
from charging_rig import Rig


@pytest.fixture
def rig() -> Rig:
    """A bare station with no vehicle, no contactor rest and ventilation."""
    return Rig()
