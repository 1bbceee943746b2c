"""The street before a virtual Pi: vehicle, contactor and hat, behind the machine's own devices.

The daemon under test talks to what it would find on a Pi: pigpio's protocol on port 8888, /dev/spidev0.0
and the GPIO chip. Behind all three is the simulator's circuit:

* port 8888 belongs to ``pin_daemon.py``, which can be killed and passes everything on to the simulator:
  like the pins of a Pi, those of the circuit do not notice when the pin daemon dies;
* a line that somebody drives through the kernel's GPIO chip is driven in the circuit;
* what the circuit puts on the converter's inputs goes into the parameters of the machine's simulated one.

Every change of the contactor's coil line is noted with its time, CLOCK_MONOTONIC, in contactor.log.
"""

import asyncio
import fcntl
import os
import socket
import struct
import sys
import time
from pathlib import Path

from evsed.board.reader import read_board
from evsed.hardware.real_time import SIMULATOR, ask_real_time
from evsed.hardware.simulator import pilot_stage
from evsed.hardware.simulator.process import SimulatorProcess

FOLDER = Path("/run/street")
LOOK_S = 0.005
# linux/gpio.h: watch a line; what an event looks like: line info (256 bytes), time, kind, padding
WATCH = 0xC100B406
EVENT = struct.Struct("=32s32sII Q 176x QI20x")
REQUESTED = 1
OUTPUT_FLAG = 1 << 3


class Converter:
    """The parameters of the machine's converter; only changes are written."""

    def __init__(self) -> None:
        (self._folder,) = Path("/sys/module").glob("*spi_sim/parameters")
        self._written: dict[str, str] = {}

    def show(self, channel: int, **signal: int) -> None:
        for name, value in signal.items():
            values = (self._folder / name).read_text().strip().split(",")
            values[channel] = str(value)
            text = ",".join(values)
            if self._written.get(name) != text:
                (self._folder / name).write_text(text)
                self._written[name] = text


class Street:
    """One board's circuit, and what joins it to the machine."""

    def __init__(self, board_file: Path) -> None:
        self.board = read_board(board_file)
        self.simulator = SimulatorProcess(self.board, FOLDER)
        self._converter = Converter()
        self._shown: object = None
        self._log = (FOLDER / "contactor.log").open("a", buffering=1)
        self._chip, self._line_values = find_chip()

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        with self.simulator.live as circuit:
            circuit.listen(self._note)
        await self.simulator.start()
        for gpio in (*self.board.ac_relay.gpios, self.board.pilot.gpio):
            info = bytearray(256)
            info[64:68] = struct.pack("=I", gpio)
            fcntl.ioctl(self._chip, WATCH, info)
        os.set_blocking(self._chip, False)
        loop.add_reader(self._chip, self._line_event)
        say_ready()
        while True:
            self._show_signals()
            await asyncio.sleep(LOOK_S)

    def _note(self, gpio: int, level: int, _at_us: int) -> None:
        if gpio in self.board.ac_relay.gpios:
            self._log.write(f"{time.monotonic():.6f} {level}\n")

    def _line_event(self) -> None:
        """Somebody has asked the kernel for a line: from now on it is the kernel's."""
        data = os.read(self._chip, EVENT.size)
        _, _, gpio, _, flags, _, kind = EVENT.unpack(data)
        if kind != REQUESTED or not flags & OUTPUT_FLAG:
            return
        # A line that has been let go again reads its pull-down, as on a Pi.
        level = int((self._line_values / f"sim_gpio{gpio}" / "value").read_text())
        with self.simulator.live as circuit:
            circuit.write_pin(gpio, level)

    def _show_signals(self) -> None:
        with self.simulator.live as circuit:
            drive, load = circuit._drive, circuit._load()
            amperes = self._amperes(circuit)
        shown = (drive.mode, drive.duty_ppm, load, amperes)
        if shown == self._shown:
            return
        self._shown = shown
        adc = self.board.adcs[0]
        steps = (1 << adc.bits) / adc.vref_mv
        high, low = pilot_stage.plateaus_v(load)
        volts = {"high": (high, high), "low": (low, low)}.get(drive.mode, (high, low))
        mv = [pilot_stage.SENSE_ZERO_MV + pilot_stage.SENSE_MV_PER_V * one for one in volts]
        self._converter.show(
            self.board.pilot.adc_channel.channel,
            offset=round(sum(mv) / 2 * steps),
            amplitude=round((mv[0] - mv[1]) / 2 * steps),
            millihertz=1_000_000,
            duty=round(drive.duty_ppm / 1000),
        )
        meter = self.board.energy_meter
        if meter is not None:
            swing = amperes / meter.current.scale * 2**0.5 * steps
            self._converter.show(
                meter.current.adc_channels[0].channel,
                offset=round(adc.vref_mv / 2 * steps),
                amplitude=round(swing),
                millihertz=meter.frequency_hz * 1000,
                duty=0,
            )

    def _amperes(self, circuit) -> float:
        scene = circuit._scene()
        return round(scene.ramp.at(circuit.now_us), 1) if scene.drawing[0] else 0.0


def say_ready() -> None:
    """Tell systemd, which waits with the pin daemon and what comes after it."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as way:
        way.sendto(b"READY=1", os.environ["NOTIFY_SOCKET"])


def find_chip() -> tuple[int, Path]:
    """Return the open chip labelled like a Pi's, and the folder where its lines can be read."""
    for path in sorted(Path("/dev").glob("gpiochip*")):
        chip = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        info = bytearray(68)
        fcntl.ioctl(chip, 0x8044B401, info)
        if bytes(info[32:64]).rstrip(b"\0") == b"pinctrl-bcm2835":
            (values,) = Path("/sys/devices/platform").glob(f"*/{path.name}")
            return chip, values
        os.close(chip)
    raise SystemExit("no GPIO chip is labelled pinctrl-bcm2835")


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    sys.setswitchinterval(0.0005)
    ask_real_time(SIMULATOR)
    asyncio.run(Street(Path(sys.argv[1])).run())


main()
