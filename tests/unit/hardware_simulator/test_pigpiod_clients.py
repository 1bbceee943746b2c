"""The unmodified client libraries, and what goes wrong on purpose."""

import asyncio
import contextlib
import struct
import time
import warnings
from collections.abc import Iterator
from typing import Any

import gpiozero
import pigpio
import pytest
from gpiozero.pins.pigpio import PiGPIOFactory

from evsed.errors import RejectedError

DEAD_MAN = (
    "ld v0 p0 ld v1 12 tag 0 mils 20 lda p0 cmp v0 jz 1 sta v0 ld v1 12 jmp 0 "
    "tag 1 dcr v1 jnz 0 w 17 0 hp 18 1000 0 w 18 0 halt"
)


@pytest.fixture
def pi(simulator: Any) -> Iterator[pigpio.pi]:
    client = pigpio.pi("localhost", simulator.port, show_errors=False)
    assert client.connected
    client.sl.s.settimeout(60)
    yield client
    end(client)


def end(client: pigpio.pi) -> None:
    """Close a client also when its daemon has gone; ``stop`` alone leaves its sockets open."""
    notify = client._notify
    with contextlib.suppress(OSError, struct.error):
        client.stop()
    notify.join(1)
    if notify.is_alive():
        notify.go = False
        with contextlib.suppress(OSError):
            notify.sl.s.shutdown(2)
        notify.join(60)
    notify.sl.s.close()
    client._notify = None
    if client.sl.s is not None:
        client.sl.s.close()


def test_a_client_session_drives_the_circuit(simulator: Any, pi: pigpio.pi) -> None:
    assert pi.get_pigpio_version() == 79
    assert pi.get_hardware_revision() == 0xA02082
    pi.hardware_PWM(18, 1000, 266_666)
    assert pi.get_PWM_dutycycle(18) == 266_666
    assert pi.get_PWM_real_range(18) == 250_000
    simulator.set(vehicle="charging")
    pi.write(17, 1)
    time.sleep(0.05)
    state = simulator.get()
    assert state["contactor"] == {"commanded": True, "closed": True}
    assert state["pilot"]["offeredCurrent"] == pytest.approx(16.0, abs=0.001)
    assert state["s2"] is True
    assert pi.read(27) == 1
    first = pi.get_current_tick()
    assert pi.get_current_tick() > first


def test_pins_and_pwm_survive_their_client(simulator: Any, pi: pigpio.pi) -> None:
    other = pigpio.pi("localhost", simulator.port, show_errors=False)
    other.hardware_PWM(18, 1000, 500_000)
    other.write(17, 1)
    end(other)
    assert pi.get_PWM_dutycycle(18) == 500_000
    assert pi.read(17) == 1


def test_a_callback_hears_the_trip_of_the_monitor(
    simulator: Any, pi: pigpio.pi, eventually: Any
) -> None:
    heard: list[tuple[int, int]] = []
    pi.set_mode(16, pigpio.INPUT)
    callback = pi.callback(
        16, pigpio.EITHER_EDGE, lambda gpio, level, _: heard.append((gpio, level))
    )
    simulator.set(rcm=True)
    eventually(lambda: heard == [(16, 1)])
    simulator.set(rcm=False)
    eventually(lambda: heard == [(16, 1), (16, 0)])
    callback.cancel()


def test_feedback_is_reported_though_nobody_asks(
    simulator: Any, pi: pigpio.pi, eventually: Any
) -> None:
    heard: list[int] = []
    callback = pi.callback(27, pigpio.EITHER_EDGE, lambda _, level, __: heard.append(level))
    pi.write(17, 1)
    eventually(lambda: heard == [1])
    callback.cancel()


def test_a_round_trip_is_short(pi: pigpio.pi) -> None:
    costs = []
    for _ in range(200):
        begin = time.perf_counter()
        pi.write(23, 1)
        costs.append(time.perf_counter() - begin)
    assert sorted(costs)[50] < 0.001


def test_the_client_reads_the_converters(simulator: Any, pi: pigpio.pi) -> None:
    simulator.set(noise=0)
    handle = pi.spi_open(0, 1_000_000, 0)
    count, data = pi.spi_xfer(handle, [0x06, 0x40, 0])
    assert (count, (data[1] & 15) << 8 | data[2]) == (3, round(595 * 4096 / 3300))
    pi.spi_close(handle)
    second = pi.spi_open(1, 1_000_000, 0)
    _, data = pi.spi_xfer(second, [0x01, 0x80, 0])
    assert (data[1] & 3) << 8 | data[2] == 512
    assert not data[1] & 4


def armed(pi: pigpio.pi, eventually: Any) -> int:
    script = pi.store_script(DEAD_MAN.encode())

    def run() -> bool:
        try:
            return pi.run_script(script, [0]) == 0
        except pigpio.error:
            return False

    eventually(run)
    return int(script)


def test_the_dead_man_runs_in_the_daemon_and_trips_when_refreshing_stops(
    simulator: Any, pi: pigpio.pi, eventually: Any
) -> None:
    script = armed(pi, eventually)
    pi.hardware_PWM(18, 1000, 266_666)
    pi.write(17, 1)
    assert pi.update_script(script, [1]) == 0
    eventually(lambda: pi.read(17) == 0)
    eventually(lambda: pi.script_status(script)[0] == pigpio.PI_SCRIPT_HALTED)
    state = simulator.get()
    assert state["deadMan"] == "halted"
    assert state["pilot"]["mode"] == "low"
    pi.delete_script(script)
    assert simulator.get()["deadMan"] == "none"


def test_a_script_that_leaves_the_contactor_alone_is_no_dead_man(
    simulator: Any, pi: pigpio.pi
) -> None:
    script = pi.store_script(b"tag 0 w 13 1 mils 10 w 13 0 mils 10 jmp 0")
    assert simulator.get()["deadMan"] == "none"
    pi.delete_script(script)


def test_a_stopped_script_trips_nobody(pi: pigpio.pi, eventually: Any) -> None:
    script = armed(pi, eventually)
    pi.write(17, 1)
    pi.stop_script(script)
    time.sleep(0.35)
    assert pi.read(17) == 1


@pytest.fixture
def factory(simulator: Any) -> Iterator[PiGPIOFactory]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = PiGPIOFactory("localhost", simulator.port)
    client = made._connection
    yield made
    notify = client._notify
    made.close()
    notify.join(60)


def test_gpiozero_devices_work_unchanged(
    simulator: Any, factory: PiGPIOFactory, eventually: Any
) -> None:
    output = gpiozero.DigitalOutputDevice(17, pin_factory=factory)
    output.on()
    button = gpiozero.Button(22, bounce_time=0.01, pin_factory=factory)
    presses: list[int] = []
    button.when_pressed = lambda: presses.append(1)
    assert simulator.get()["pins"]["17"] == 1
    assert not button.is_pressed
    simulator.set(button=True)
    eventually(lambda: presses)
    assert button.is_pressed
    output.off()
    assert simulator.get()["pins"]["17"] == 0
    for device in (output, button):
        device.close()


def test_gpiozero_reads_a_converter(simulator: Any, factory: PiGPIOFactory) -> None:
    simulator.set(noise=0)
    with gpiozero.MCP3208(channel=1, device=0, pin_factory=factory) as converter:
        assert converter.value == pytest.approx(595 / 3300, abs=0.001)


# -- faults ---------------------------------------------------------------------------------------


def test_a_stalled_daemon_answers_late(simulator: Any, pi: pigpio.pi) -> None:
    simulator.set(pigpiod={"stallMs": 300})
    begin = time.monotonic()
    assert pi.read(17) == 0
    assert time.monotonic() - begin > 0.2


def test_a_closed_connection_is_an_error_and_a_new_one_works(
    simulator: Any, pi: pigpio.pi, eventually: Any
) -> None:
    pi._notify.go = False  # or its thread would spin, as it does on a real Pi
    simulator.set(pigpiod={"closeAll": True})
    with pytest.raises((OSError, struct.error)):
        pi.read(17)
    fresh = pigpio.pi("localhost", simulator.port, show_errors=False)
    assert fresh.get_pigpio_version() == 79
    end(fresh)


def test_a_refusing_daemon_is_back_on_the_same_port(simulator: Any, pi: pigpio.pi) -> None:
    simulator.set(pigpiod={"refuse": True})
    refused = pigpio.pi("127.0.0.1", simulator.port, show_errors=False)
    assert not refused.connected
    assert pi.get_pigpio_version() == 79
    simulator.set(pigpiod={"refuse": False})
    accepted = pigpio.pi("127.0.0.1", simulator.port, show_errors=False)
    assert accepted.connected
    end(accepted)


def test_a_chosen_command_can_be_unknown(simulator: Any, pi: pigpio.pi) -> None:
    simulator.set(pigpiod={"unknownCommand": 3})
    with pytest.raises(pigpio.error, match="unknown command"):
        pi.read(17)
    simulator.set(pigpiod={"unknownCommand": None})
    assert pi.read(17) == 0


def test_answers_can_be_short_or_echo_wrongly(simulator: Any, pi: pigpio.pi) -> None:
    simulator.set(pigpiod={"wrongEcho": True})
    pi.sl.s.sendall(struct.pack("<IIII", 26, 0, 0, 0))
    assert struct.unpack("<IIII", pi.sl.s.recv(16)) == (27, 0, 0, 79)
    simulator.set(pigpiod={"wrongEcho": False, "shortAnswer": True})
    with pytest.raises(struct.error):
        pi.read(17)


def test_reports_can_be_lost(simulator: Any, pi: pigpio.pi, eventually: Any) -> None:
    heard: list[int] = []
    callback = pi.callback(5, pigpio.EITHER_EDGE, lambda _, level, __: heard.append(level))
    simulator.set(pigpiod={"loseReports": True})
    simulator.set(aux={"AUX_IN1": True})
    simulator.set(pigpiod={"loseReports": False})
    simulator.set(aux={"AUX_IN1": False})
    simulator.set(aux={"AUX_IN1": True})
    eventually(lambda: heard)
    assert heard == [1]
    callback.cancel()


@pytest.mark.parametrize(
    ("faults", "words"),
    [
        (3, "pigpiod: must be an object"),
        ({"stallMs": -1}, "pigpiod.stallMs: must be a whole number from 0 to 60000"),
        ({"refuse": 1}, "pigpiod.refuse: must be true or false"),
        ({"unknownCommand": 200}, "pigpiod.unknownCommand: must be"),
        ({"explode": True}, "pigpiod.explode: unknown"),
    ],
)
def test_a_bad_fault_changes_nothing_at_all(simulator: Any, faults: object, words: str) -> None:
    with pytest.raises(RejectedError) as caught:
        asyncio.run(simulator.client.set({"rcm": True, "pigpiod": faults}))
    assert str(caught.value).startswith(words)
    assert simulator.get()["rcm"] is False
