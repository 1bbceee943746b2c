"""The street of every story: a sim board that has passed its self-check, with nobody plugged in."""

from dataclasses import replace

import pytest

from scenarios.street import SIM_BOARD, Street, quick_board


@pytest.fixture
def street() -> Street:
    """Return the station of the sim board, metering included."""
    return Street().start()


@pytest.fixture
def quick() -> Street:
    """Return the same without a meter, for stories that last minutes."""
    return Street(quick_board()).start()


@pytest.fixture
def socket() -> Street:
    """Return a station with a socket outlet and its lock."""
    return Street(quick_board(), socket_outlet=True).start()


@pytest.fixture
def with_rcm() -> Street:
    """Return a station that uses its residual current monitor."""
    return Street(quick_board(), rcm=True).start()


@pytest.fixture
def blind() -> Street:
    """Return a metering station without an auxiliary contact on its contactor."""
    relay = replace(SIM_BOARD.ac_relay, feedback_gpios=())
    return Street(replace(SIM_BOARD, ac_relay=relay)).start()
