"""A simulated charger leaves its host alone; a real one uses it, as far as it may."""

from dataclasses import replace
from pathlib import Path

import pytest

from evsed.host.clock import ShiftedClock, SystemClock
from evsed.host.network import UnmanagedNetwork
from evsed.host.network_manager.network import ManagedNetwork
from evsed.host.time_date import NoTimekeeper, TimeDate
from evsed.settings.administrator import Administrator
from evsed.settings.network_access import NetworkAccess
from evsed.surroundings import surroundings


@pytest.fixture(autouse=True)
async def _loop() -> None:
    """Locks belong to a running loop."""


def chosen(*, simulated: bool, clock: str = "auto", **access: str) -> tuple[type, ...]:
    administrator = replace(Administrator(), network=NetworkAccess(**access), clock_manage=clock)
    found = surroundings(administrator, Path("/nonexistent"), simulated=simulated)
    assert isinstance(found.found, bool)
    return type(found.network), type(found.clock), type(found.timekeeper), found.found


async def test_a_simulated_charger_touches_nothing() -> None:
    kinds = chosen(simulated=True)
    assert kinds == (UnmanagedNetwork, ShiftedClock, NoTimekeeper, False)


async def test_a_real_charger_uses_its_machine() -> None:
    kinds = chosen(simulated=False)
    assert kinds == (ManagedNetwork, SystemClock, TimeDate, True)


async def test_the_administrator_may_have_it_otherwise() -> None:
    wanted = {"wifi": "none", "discovery": "never"}
    kinds = chosen(simulated=False, clock="own", **wanted)
    assert kinds == (UnmanagedNetwork, ShiftedClock, NoTimekeeper, False)
    wanted = {"wifi": "networkmanager", "discovery": "always"}
    kinds = chosen(simulated=True, clock="system", **wanted)
    assert kinds == (ManagedNetwork, SystemClock, TimeDate, True)
