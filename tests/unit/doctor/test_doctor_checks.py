"""What the doctor sees on computers made for it: folders with the files of a Pi in them."""

import socket
from dataclasses import replace
from pathlib import Path

import pytest

from evsed import cli
from evsed.board.description import SerialPort
from evsed.board.reader import find_board, read_board
from evsed.doctor.checks import Patient, examine
from evsed.doctor.finding import Verdict

MINIMAL = read_board(find_board("minimal-single-phase"))
CONFIG = "dtparam=spi=on\ndtparam=audio=off\ngpio=17=op,dl\ndtparam=strict_gpiod\n"


@pytest.fixture
def pin_daemon():
    with socket.create_server(("127.0.0.1", 0)) as door:
        yield door.getsockname()


@pytest.fixture
def healthy(tmp_path, pin_daemon):
    """Return a computer with nothing wrong, but for the users of the one below it."""
    files = {
        "boot/firmware/config.txt": CONFIG,
        "dev/spidev0.0": "",
        "dev/gpiochip0": "",
        "dev/watchdog": "",
        "dev/rtc0": "",
        "etc/systemd/system.conf.d/watchdog.conf": "[Manager]\nRuntimeWatchdogSec=14\n",
        "proc/sys/kernel/sched_rt_runtime_us": "950000\n",
        "proc/modules": "i2c_dev 1 0 - Live\n",
        "proc/9/comm": "pigpiod\n",
        "proc/9/cmdline": "/usr/bin/pigpiod\0-l\0-t\x001\0",
        "proc/7/limits": "Max realtime priority     60                   60\n",
        "run/evsed-guard/socket": "",
        "sys/fs/cgroup/system.slice/evsed.service/cgroup.procs": "7\n8\n",
    }
    for name, text in files.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(0o666)
    return Patient(board=MINIMAL, root=tmp_path, pigpiod=pin_daemon, state_dir=tmp_path / "var")


def wrong(patient):
    """Return what is not good, by topic; the groups are this computer's own."""
    found = [one for one in examine(patient) if one.verdict is not Verdict.GOOD]
    assert all(one.remedy for one in found), "every complaint says how to mend it"
    return {one.topic: one for one in found if one.topic != "groups"}


def test_a_healthy_computer_has_nothing_to_mend(healthy):
    assert not wrong(healthy)


@pytest.mark.parametrize(
    ("file", "topic", "word"),
    [
        ("boot/firmware/config.txt", "firmware settings", "installation.md"),
        ("dev/spidev0.0", "converter adc0", "dtparam=spi=on"),
        ("dev/gpiochip0", "kernel GPIO", "kernel"),
        ("dev/watchdog", "hardware watchdog", "dtparam=watchdog"),
        ("dev/rtc0", "clock", "timedatectl"),
        ("etc/systemd/system.conf.d/watchdog.conf", "hardware watchdog", "system.conf.d"),
        ("run/evsed-guard/socket", "guard", "evsed-guard"),
        ("sys/fs/cgroup/system.slice/evsed.service/cgroup.procs", "real time", "status"),
    ],
)
def test_what_is_missing_is_named_with_its_remedy(healthy, file, topic, word):
    (healthy.root / file).unlink()
    found = wrong(healthy)
    assert list(found) == [topic]
    assert word in found[topic].remedy


@pytest.mark.parametrize(
    ("file", "text", "topic"),
    [
        ("proc/modules", "snd_bcm2835 24576 1 - Live\n", "audio"),
        ("proc/sys/kernel/sched_rt_runtime_us", "0\n", "real time"),
        ("proc/7/limits", "Max realtime priority     0                    0\n", "real time"),
        ("proc/device-tree/model", "Raspberry Pi 5 Model B Rev 1.0\0", "computer"),
        ("proc/device-tree/model", "Raspberry Pi 500 Rev 1.0\0", "computer"),
        ("proc/device-tree/model", "Raspberry Pi Compute Module 5 Rev 1.0\0", "computer"),
        ("proc/9/cmdline", "/usr/bin/pigpiod\0-l\0-t\x000\0", "pin daemon"),
        ("proc/9/cmdline", "pigpiod\0-t0\0", "pin daemon"),
        ("etc/systemd/system.conf.d/watchdog.conf", "RuntimeWatchdogSec=0\n", "hardware watchdog"),
    ],
)
def test_what_is_wrong_is_found(healthy, file, text, topic):
    path = healthy.root / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    assert list(wrong(healthy)) == [topic]


@pytest.mark.parametrize("place", ["run", "usr/lib"])
def test_a_watchdog_the_distribution_feeds_is_seen(healthy, place):
    file = healthy.root / "etc/systemd/system.conf.d/watchdog.conf"
    (healthy.root / place / "systemd/system.conf.d").mkdir(parents=True)
    file.rename(healthy.root / place / "systemd/system.conf.d/40-rpi.conf")
    assert not wrong(healthy)


@pytest.mark.parametrize("model", ["Raspberry Pi 4 Model B Rev 1.5", "Raspberry Pi 400 Rev 1.1"])
def test_older_computers_will_do(healthy, model):
    (healthy.root / "proc/device-tree").mkdir()
    (healthy.root / "proc/device-tree/model").write_text(model + "\0")
    assert not wrong(healthy)


def test_a_pilot_on_the_kernels_pwm_needs_the_pin_daemon_all_the_same(healthy):
    pilot = replace(MINIMAL.pilot, pwm="sysfs", pwm_chip=0, pwm_channel=0)
    (healthy.root / "sys/class/pwm/pwmchip0").mkdir(parents=True)
    with (healthy.root / "boot/firmware/config.txt").open("a") as config:
        config.write("dtoverlay=pwm,pin=18,func=2\n")
    patient = replace(healthy, board=replace(MINIMAL, pilot=pilot))
    assert not wrong(patient)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        assert list(wrong(replace(patient, pigpiod=closed.getsockname()))) == ["pin daemon"]


def test_a_gpio_chip_that_is_not_the_guards_is_found(healthy):
    (healthy.root / "dev/gpiochip0").chmod(0o600)
    assert "udevadm" in wrong(healthy)["kernel GPIO"].remedy


SERIAL = SerialPort(type="uart", name="Display", device="/dev/ttyAMA0")
ADAPTER = SerialPort(type="rs485", name="Meter", device="/dev/ttyUSB0")


@pytest.fixture
def wired(healthy):
    """Return a computer with a display at its own serial port and a meter at an adapter's."""
    for name in ("ttyAMA0", "ttyUSB0"):
        (healthy.root / "dev" / name).write_text("")
        (healthy.root / "dev" / name).chmod(0o666)
    return replace(healthy, board=replace(MINIMAL, serials=(SERIAL, ADAPTER)))


def test_free_serial_ports_are_well(wired):
    assert not wrong(wired)


@pytest.mark.parametrize(
    ("device", "topic", "verdict", "word"),
    [
        ("ttyAMA0", "serial port Display", Verdict.BAD, "enable_uart=1"),
        ("ttyUSB0", "serial port Meter", Verdict.ADVICE, "adapter"),
    ],
)
def test_a_serial_port_that_is_missing_is_named(wired, device, topic, verdict, word):
    (wired.root / "dev" / device).unlink()
    (found,) = wrong(wired).values()
    assert (found.topic, found.verdict) == (topic, verdict)
    assert word in found.remedy


def test_the_console_on_a_serial_port_is_found(wired):
    (wired.root / "proc/consoles").write_text("ttyAMA0 -W- (EC p a)  204:64\n")
    assert "console=ttyAMA0" in wrong(wired)["serial port Display"].remedy


def test_a_serial_port_that_is_not_the_daemons_is_found(wired):
    (wired.root / "dev/ttyUSB0").chmod(0o600)
    assert "dialout" in wrong(wired)["serial port Meter"].remedy


def test_a_converter_that_is_not_the_daemons_is_found(healthy):
    (healthy.root / "dev/spidev0.0").chmod(0o600)
    assert "udevadm" in wrong(healthy)["converter adc0"].remedy


def test_a_pin_daemon_that_does_not_answer_is_found(healthy, pin_daemon):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        found = wrong(Patient(board=MINIMAL, root=healthy.root, pigpiod=closed.getsockname()))
    assert list(found) == ["pin daemon"]
    assert "pigpio" in found["pin daemon"].remedy


@pytest.mark.parametrize(("address", "table"), [("00000000", "tcp"), ("0" * 32, "tcp6")])
def test_a_pin_daemon_open_to_the_network_is_found(healthy, address, table):
    net = healthy.root / "proc/net"
    net.mkdir()
    port = f"{healthy.pigpiod[1]:04X}"
    (net / table).write_text(f"  sl  local\n   0: {address}:{port} 00000000:0000 0A 00000000\n")
    assert "-l" in wrong(healthy)["pin daemon"].remedy


def test_a_simulated_board_needs_no_hardware(healthy):
    board = read_board(find_board("sim"))
    topics = {one.topic for one in examine(Patient(board=board, root=Path("/nowhere")))}
    assert not topics & {"firmware settings", "pin daemon", "kernel GPIO", "hardware watchdog"}


def test_the_command_says_what_is_wrong_and_ends_with_1(capsys, tmp_path):
    nothing = tmp_path / "board.yaml"
    nothing.write_text("# no hat yet\n")
    assert cli.main(["doctor", "--board", str(nothing)]) == 1
    said = capsys.readouterr().out
    assert "WRONG  board: " in said
    assert "describes no hat yet" in said
    assert "to mend" in said.splitlines()[-1]
