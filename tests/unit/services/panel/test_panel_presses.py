"""What presses mean and lamps show: the tables of charging.md section 14."""

import pytest

from evsed.host.network import NetworkState
from evsed.services.panel.lamps import network_blink
from evsed.services.panel.presses import Press, Presses, meaning
from evsed.station.panel import ButtonEdge


@pytest.mark.parametrize(
    ("held_ms", "press"),
    [
        (0, Press.NOTHING),
        (49, Press.NOTHING),
        (50, Press.ACCESS_POINT),
        (9_999, Press.ACCESS_POINT),
        (10_000, Press.FACTORY_RESET),
        (29_999, Press.FACTORY_RESET),
        (30_000, Press.NOTHING),
        (86_400_000, Press.NOTHING),
    ],
)
def test_the_length_of_a_press_is_its_meaning(held_ms, press):
    assert meaning(held_ms) is press
    presses = Presses()
    assert presses.follow([ButtonEdge(1000, True)]) == ()
    assert presses.follow([ButtonEdge(1000 + held_ms, False)]) == (press,)


def test_only_while_letting_go_would_erase_there_is_a_warning():
    presses = Presses()
    assert presses.erases(20_000) is False
    presses.follow([ButtonEdge(1000, True)])
    warned = [ms for ms in range(0, 60_000, 500) if presses.erases(1000 + ms)]
    assert (warned[0], warned[-1]) == (10_000, 29_500)
    presses.follow([ButtonEdge(12_000, False)])
    assert (presses.erases(12_500), presses.held) == (False, False)


def test_several_presses_between_two_looks_are_all_seen():
    edges = [ButtonEdge(ms, pressed) for ms, pressed in ((0, 1), (60, 0), (100, 1), (11_000, 0))]
    assert Presses().follow(edges) == (Press.ACCESS_POINT, Press.FACTORY_RESET)


def test_letting_go_of_a_button_nobody_saw_pressed_means_nothing():
    assert Presses().follow([ButtonEdge(5, False)]) == ()


@pytest.mark.parametrize(
    ("state", "wanted", "blink"),
    [
        ({"ap_enabled": True}, True, (100, 900)),
        ({"ap_enabled": True, "ap_clients": 2, "connected": True}, True, (1900, 100)),
        ({}, True, (500, 500)),
        ({"connected": True}, True, (1, 0)),
        ({"connected": True}, False, (1, 0)),
        ({}, False, (0, 0)),
    ],
)
def test_the_network_led(state, wanted, blink):
    assert network_blink(NetworkState(**state), wanted=wanted) == blink
