"""What the drivers do when the pin daemon, a device or this process fails."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from pi_world import eventually

from evsed.errors import HardwareError
from evsed.hardware.pi.hat import open_hat
from evsed.hardware.pi.loopback import connected
from evsed.hardware.pi.safe_off import SafeOff
from evsed.hardware.pi.sampling_plan import PROXIMITY_READINGS
from evsed.hardware.simulator.spi_client import SimulatedSpiPort

ROOT = Path(__file__).parents[3]
#: what a busy machine may add
_BUSY_S = 0.75
CLIENT = Path(__file__).with_name("charging_client.py")


class Proxy:
    """A wire between drivers and pin daemon that a test can cut."""

    def __init__(self, port):
        self._target = ("127.0.0.1", port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._ends = []
        self.port = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def cut(self):
        ends, self._ends = self._ends, []
        for end in ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def end(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._threads[0].join()
        self.cut()
        for thread in self._threads[1:]:
            thread.join()
        self._listener.close()

    def _accept(self):
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            far = socket.create_connection(self._target)
            for one in (near, far):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._ends += [near, far]
            for pair in ((near, far), (far, near)):
                self._threads.append(threading.Thread(target=self._pump, args=pair))
                self._threads[-1].start()

    def _pump(self, source, target):
        with contextlib.suppress(OSError):
            while data := source.recv(4096):
                target.sendall(data)
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        source.close()


@pytest.fixture
def proxy(world):
    proxy = Proxy(world.port)
    yield proxy
    proxy.end()


def own_threads():
    return {thread.name for thread in threading.enumerate() if thread.name.startswith("evsed-")}


def test_a_stalled_pin_daemon_is_noticed_within_200_ms_and_made_safe_when_it_goes_on(world, hat):
    hat.contactor.switch(closed=True)
    world.process.send_signal(signal.SIGSTOP)
    try:
        began = time.monotonic()
        with pytest.raises(HardwareError, match="control pilot on GPIO 18"):
            hat.pilot.hold(high=True)
        assert time.monotonic() - began < 0.2
        hat.make_safe()
        assert time.monotonic() - began < 1
    finally:
        world.process.send_signal(signal.SIGCONT)
    eventually(lambda: not world.get()["contactor"]["commanded"])
    assert world.get()["pilot"]["mode"] == "low"


def test_a_lost_connection_is_final_and_safe_off_takes_a_new_one(world, proxy):
    hat = open_hat(world.board, world.wiring(pigpio_port=proxy.port))
    hat.contactor.switch(closed=True)
    hat.pilot.hold(high=True)
    proxy.cut()
    for _ in range(2):
        with pytest.raises(HardwareError, match="contactor on GPIO 17"):
            hat.contactor.switch(closed=False)
    assert world.get()["contactor"]["commanded"]
    hat.make_safe()
    assert not world.get()["contactor"]["commanded"]
    assert world.get()["pilot"]["mode"] == "low"
    hat.close()
    assert own_threads() == set()


def test_threads_of_a_lost_connection_end_instead_of_spinning(world, proxy):
    hat = open_hat(world.board, world.wiring(pigpio_port=proxy.port))
    assert "evsed-pin-reports" in own_threads()
    proxy.cut()
    eventually(lambda: "evsed-pin-reports" not in own_threads())
    with pytest.raises(HardwareError, match="connection to the pin daemon lost"):
        hat.contactor.switch(closed=True)
    hat.close()


def test_safe_off_works_again_and_again_and_from_any_thread(world, hat):
    hat.contactor.switch(closed=True)
    thread = threading.Thread(target=hat.make_safe)
    thread.start()
    thread.join()
    hat.make_safe()
    assert not world.get()["contactor"]["commanded"]


def test_closing_leaves_a_safe_board_and_nothing_behind(world):
    hat = open_hat(world.board, world.wiring())
    hat.dead_man.refresh()
    hat.contactor.switch(closed=True)
    hat.pilot.pulse(500_000)
    hat.close()
    hat.close()
    shown = world.get()
    assert shown["contactor"]["commanded"] is False
    assert shown["pilot"]["mode"] == "low"
    assert shown["deadMan"] == "none"
    assert own_threads() == set()
    assert not (world.folder / "run" / "deadman").exists()
    with pytest.raises(HardwareError):
        hat.contactor.switch(closed=True)


def test_a_missing_pin_daemon_is_named(world):
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    with pytest.raises(HardwareError, match=f"127.0.0.1 port {port}"):
        open_hat(world.board, world.wiring(pigpio_port=port))
    assert own_threads() == set()


def test_a_pin_daemon_that_never_answers_is_noticed_at_once(world):
    with socket.create_server(("127.0.0.1", 0)) as mute:
        began = time.monotonic()
        with pytest.raises(HardwareError, match="timed out"):
            open_hat(world.board, world.wiring(pigpio_port=mute.getsockname()[1]))
        assert time.monotonic() - began < 3
    assert own_threads() == set()


def test_the_pin_daemon_is_reached_when_no_name_can_be_looked_up(world, monkeypatch):
    asked = socket.getaddrinfo

    def numbers_only(host, *arguments, **options):
        if host == "localhost":
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return asked(host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", numbers_only)
    hat = open_hat(world.board, world.wiring(pigpio_host="localhost"))
    try:
        hat.contactor.switch(closed=True)
        assert SafeOff(world.board, ("localhost", world.port)).fresh()
        assert not world.get()["contactor"]["commanded"]
    finally:
        hat.close()


@pytest.mark.parametrize("place", ["::1", "127.0.0.1"])
def test_the_pin_daemon_may_listen_on_either_loopback(monkeypatch, place):
    def connect(address, timeout_s):
        if address != (place, 8888):
            raise ConnectionRefusedError
        return address, timeout_s

    monkeypatch.setattr(socket, "create_connection", connect)
    assert connected("localhost", 8888, 0.3) == ((place, 8888), 0.3)
    with pytest.raises(ConnectionRefusedError):
        connected("localhost", 4711, 0.3)


def open_files():
    return len(list(Path("/proc/self/fd").iterdir()))


def test_half_a_hat_is_taken_down_again(world):
    def broken(adc):
        raise HardwareError(f"converter {adc.name} on SPI bus 0: no such device")

    files = open_files()  # whoever builds hats tries again and again
    with pytest.raises(HardwareError, match="adc0"):
        open_hat(world.board, world.wiring(open_spi=broken))
    assert own_threads() == set()
    assert open_files() == files
    assert world.get()["pilot"]["mode"] == "low"


@pytest.fixture
def unhurried(world):
    """Yield a hat whose dead-man does not trip when a busy machine keeps this process waiting."""
    watchdog = replace(world.board.watchdog, deadman_time_ms=1500)
    hat = open_hat(replace(world.board, watchdog=watchdog), world.wiring())
    yield hat
    hat.close()


def test_the_dead_man_trips_unless_it_is_refreshed(world, unhurried):
    hat = unhurried
    assert hat.dead_man.armed() is False
    hat.dead_man.refresh()
    assert hat.dead_man.armed() is True
    hat.contactor.switch(closed=True)
    until = time.monotonic() + 1.8
    while time.monotonic() < until:
        hat.dead_man.refresh()
        time.sleep(0.02)
    assert hat.dead_man.armed() is True
    assert world.get()["contactor"]["commanded"]
    eventually(lambda: not world.get()["contactor"]["commanded"])
    assert world.get()["pilot"]["mode"] == "low"
    assert hat.dead_man.armed() is False  # told once
    hat.dead_man.refresh()
    assert hat.dead_man.armed() is True


def test_a_dead_man_whose_number_cannot_be_kept_leaves_no_script_behind(world, tmp_path):
    (tmp_path / "deadman").mkdir()  # where the file should be
    for _ in range(40):  # the pin daemon has room for 32
        with pytest.raises(HardwareError, match=r"dead-man switch: .*cannot be kept"):
            open_hat(world.board, world.wiring(runtime_dir=tmp_path))
    assert world.get()["deadMan"] == "none"


def test_scripts_of_processes_that_died_do_not_pile_up(worlds):
    world = worlds("pi-evse-hat")  # its heartbeat is a script, too
    for _ in range(33):  # the pin daemon has room for 32
        hat = open_hat(world.board, world.wiring())
        hat.dead_man.refresh()
        hat.heartbeat.beat()
        world.set(pigpiod={"closeAll": True})  # what is left behind cannot be deleted any more
        hat.close()
    hat = open_hat(world.board, world.wiring())
    try:
        hat.dead_man.refresh()
        assert hat.dead_man.armed()
    finally:
        hat.close()


def test_old_numbers_do_not_delete_new_scripts(worlds):
    world = worlds("pi-evse-hat")
    run = world.folder / "run"
    run.mkdir(exist_ok=True)
    # from before a restart of the pin daemon, which counts anew
    (run / "deadman").write_text("1\n")
    (run / "heartbeat").write_text("0\n")
    hat = open_hat(world.board, world.wiring())
    try:
        hat.dead_man.refresh()
        assert hat.dead_man.armed()
    finally:
        hat.close()
    assert not (run / "deadman").exists()
    assert not (run / "heartbeat").exists()


@pytest.fixture
def client(world):
    """A process that charges and refreshes its dead-man, as the daemon would."""
    command = [sys.executable, str(CLIENT), str(world.board_file), str(world.folder)]
    with subprocess.Popen(command, env=os.environ | {"PYTHONPATH": str(ROOT)}) as process:
        try:
            eventually(lambda: world.get()["contactor"]["commanded"], within_s=20)
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_the_dead_man_opens_the_contactor_of_a_process_that_died_or_hangs(world, client, how):
    assert world.get()["deadMan"] == "running"
    os.kill(client.pid, how)
    killed = time.monotonic()
    eventually(lambda: not world.get()["contactor"]["commanded"])
    assert time.monotonic() - killed < 0.6 + _BUSY_S
    assert world.get()["pilot"]["mode"] == "low"


def test_the_next_process_forgets_the_dead_man_of_the_one_that_died(world, client, request):
    os.kill(client.pid, signal.SIGKILL)
    client.wait(10)
    stale = (world.folder / "run" / "deadman").read_text()
    hat = request.getfixturevalue("unhurried")
    hat.dead_man.refresh()
    assert hat.dead_man.armed()
    hat.contactor.switch(closed=True)
    until = time.monotonic() + 0.5  # the stale one would have tripped by now
    while time.monotonic() < until:
        hat.dead_man.refresh()
        time.sleep(0.02)
    assert world.get()["contactor"]["commanded"]
    assert stale


def test_proximity_and_analog_inputs_are_read_again_after_their_converter_failed(world):
    class FailingAtFirst(SimulatedSpiPort):
        failures = 4

        def exchange(self, request, records):
            if len(records) == PROXIMITY_READINGS and self.failures:
                self.failures -= 1
                raise OSError(5, "Input/output error")
            super().exchange(request, records)

    wiring = world.wiring(open_spi=lambda adc: FailingAtFirst(world.folder / "spi.sock", adc))
    hat = open_hat(world.board, wiring)
    try:
        assert eventually(hat.proximity.read)
        assert eventually(lambda: hat.sampler.analog_mv)
        assert hat.sampler.take_windows() is not None
    finally:
        hat.close()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_sampler_that_has_died_is_an_error_for_good(world):
    class Bursting(SimulatedSpiPort):
        def exchange(self, request, records):
            raise RuntimeError(f"a bug with {request:#x} and {len(records)} records")

    wiring = world.wiring(open_spi=lambda adc: Bursting(world.folder / "spi.sock", adc))
    hat = open_hat(world.board, wiring)
    try:
        eventually(lambda: "evsed-sampler" not in own_threads())
        for _ in range(2):
            with pytest.raises(RuntimeError, match="sampler thread has ended"):
                hat.sampler.take_windows()
    finally:
        hat.close()
