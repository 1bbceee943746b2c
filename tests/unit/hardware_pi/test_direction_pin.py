"""The pin that switches a transceiver, on the simulated pin daemon."""

import time

import pytest
from pi_world import eventually

from evsed.errors import HardwareError
from evsed.hardware.pi.direction_pin import DirectionPin
from evsed.host.serial_direction import Pin

_GPIO = 12


def _opened(world, *, high):
    return DirectionPin("127.0.0.1", world.port, _GPIO, high=high)


@pytest.mark.parametrize("high", [False, True])
def test_the_pin_begins_as_told_and_follows(world, high):
    pin: Pin = _opened(world, high=high)
    assert world.level(_GPIO) == high
    for level in (not high, high, not high):
        pin.drive(high=level)
        assert world.level(_GPIO) == level
    pin.close()
    assert world.level(_GPIO) != high


def test_driving_takes_less_than_the_event_loop_has(world):
    pin = _opened(world, high=False)
    took_ms = []
    for number in range(50):
        began = time.monotonic()
        pin.drive(high=number % 2 == 0)
        took_ms.append((time.monotonic() - began) * 1000)
    pin.close()
    assert sorted(took_ms)[25] < 5


def test_without_a_pin_daemon_there_is_no_pin(worlds):
    world = worlds("sim")
    pin = _opened(world, high=False)
    port = world.port
    world.process.kill()
    world.process.wait(10)

    def refused():
        try:
            pin.drive(high=True)
        except HardwareError:
            return True
        return False

    eventually(refused)
    pin.close()
    with pytest.raises(HardwareError):
        DirectionPin("127.0.0.1", port, _GPIO, high=False)
