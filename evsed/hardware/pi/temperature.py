"""The 1-wire temperature sensors through the kernel's files, read by their own worker.

Source: charging.md section 12.4; board.md section 3.13.
"""

import threading
import time
from pathlib import Path
from typing import Final

from evsed.board.description import Onewire
from evsed.hardware.interfaces import TemperatureReading

_PERIOD_S: Final = 10.0
_FAMILIES: Final = ("28-*", "10-*")
_BULK: Final = "w1_bus_master*/therm_bulk_read"
_BULK_S: Final = 1.5
_BULK_LOOK_S: Final = 0.1
_LOWEST_MC: Final = -40_000
_HIGHEST_MC: Final = 125_000
#: what a sensor says that has lost its supply, and how near a true 85 °C must have been
_POWER_ON_MC: Final = 85_000
_POWER_ON_NEAR_MC: Final = 10_000
_TOLERATED_ROUNDS: Final = 3
_JOIN_S: Final = 3.0


class OnewireThermometer:
    """A ``Thermometer``."""

    def __init__(self, root: Path, onewire: Onewire, period_s: float = _PERIOD_S) -> None:
        self._bus = OnewireBus(root, onewire)
        self._period_s = period_s
        self._reading = TemperatureReading()
        self._stop = threading.Event()
        self._worker = threading.Thread(target=self._run, name="evsed-onewire", daemon=True)
        self._worker.start()

    def read(self) -> TemperatureReading:
        """Return the newest round; a fault when the worker has ended."""
        if not self._worker.is_alive():
            return TemperatureReading(fault=True)
        return self._reading

    def close(self) -> None:
        """Stop the worker."""
        self._stop.set()
        self._worker.join(_JOIN_S)

    def _run(self) -> None:
        while not self._stop.is_set():
            self._reading = self._bus.measure()
            self._stop.wait(self._period_s)


class OnewireBus:
    """The sensors found, and what they said before. Blocks while they convert."""

    def __init__(self, root: Path, onewire: Onewire) -> None:
        self._root = root
        self._most = onewire.max_sensors
        self._bulk = onewire.bulk
        self._sensors: list[Path] = []
        self._before_mc: dict[Path, int] = {}
        self._failed = 0
        self._good = TemperatureReading()

    def measure(self) -> TemperatureReading:
        """Measure one round; one failing sensor fails it."""
        if not self._sensors or self._failed > _TOLERATED_ROUNDS:
            self._scan()
        if not self._sensors:
            return self._faulty()
        if self._bulk:
            self._convert_all()
        values_mc = [self._read(sensor) for sensor in self._sensors]
        good_mc = [value for value in values_mc if value is not None]
        if len(good_mc) < len(values_mc):
            self._failed += 1
            return self._faulty() if self._failed > _TOLERATED_ROUNDS else self._good
        self._failed = 0
        self._good = TemperatureReading(
            low_cdeg=_cdeg(min(good_mc)),
            high_cdeg=_cdeg(max(good_mc)),
            sensors=len(good_mc),
            valid=True,
        )
        return self._good

    def _scan(self) -> None:
        found = [path for family in _FAMILIES for path in self._root.glob(family)]
        self._sensors = sorted(path / "temperature" for path in found)[: self._most]

    def _faulty(self) -> TemperatureReading:
        good = self._good
        return TemperatureReading(
            good.low_cdeg, good.high_cdeg, len(self._sensors), good.valid, fault=True
        )

    def _convert_all(self) -> None:
        """Make every sensor convert at once; without that file each read converts by itself."""
        for trigger in self._root.glob(_BULK):
            try:
                trigger.write_text("trigger\n")
                deadline = time.monotonic() + _BULK_S
                while trigger.read_text().strip() == "-1" and time.monotonic() < deadline:
                    time.sleep(_BULK_LOOK_S)
            except OSError:
                continue

    def _read(self, sensor: Path) -> int | None:
        """Return thousandths of a degree, None when the sensor failed or is not to be believed."""
        try:
            value_mc = int(sensor.read_text())
        except (OSError, ValueError):
            return None
        if not _LOWEST_MC <= value_mc <= _HIGHEST_MC:
            return None
        before_mc = self._before_mc.get(sensor)
        if value_mc == _POWER_ON_MC and (
            before_mc is None or abs(value_mc - before_mc) > _POWER_ON_NEAR_MC
        ):
            return None
        self._before_mc[sensor] = value_mc
        return value_mc


def _cdeg(value_mc: int) -> int:
    return round(value_mc / 10)
