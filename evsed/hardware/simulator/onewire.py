"""The kernel's 1-wire files for one DS18B20. Source: board.md section 3.13; kernel w1_therm."""

import os
import shutil
from pathlib import Path

SENSOR = "28-000005e2fdc3"
_STEPS_PER_DEGREE = 16
_CRC_POLYNOMIAL = 0x8C
_BULK = "therm_bulk_read"


class OnewireTree:
    """Directories and files under ``root``, rewritten when something changes."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._shown: tuple[float, bool] | None = None
        master = root / "w1_bus_master1"
        master.mkdir(parents=True, exist_ok=True)
        self._bulk = master / _BULK
        self._bulk.write_text("0\n")

    def show(self, celsius: float, *, present: bool) -> None:
        """Make the files say this."""
        if self._shown == (celsius, present):
            return
        self._shown = (celsius, present)
        sensor = self._root / SENSOR
        if not present:
            shutil.rmtree(sensor, ignore_errors=True)
            return
        sensor.mkdir(exist_ok=True)
        steps = round(celsius * _STEPS_PER_DEGREE)
        millidegrees = steps * 1000 // _STEPS_PER_DEGREE
        _replace(sensor / "temperature", f"{millidegrees}\n")
        _replace(sensor / "w1_slave", slave_text(steps))

    def answer_bulk(self) -> None:
        """Answer a bulk trigger: all have converted."""
        if self._bulk.read_text().startswith("trigger"):
            _replace(self._bulk, "1\n")


def slave_text(steps: int) -> str:
    """Return the two lines of ``w1_slave`` for sixteenths of a degree."""
    pad = (steps & 0xFFFF).to_bytes(2, "little") + bytes([0x4B, 0x46, 0x7F, 0xFF, 0x0C, 0x10])
    crc = crc8(pad)
    words = " ".join(f"{byte:02x}" for byte in (*pad, crc))
    return f"{words} : crc={crc:02x} YES\n{words} t={steps * 1000 // _STEPS_PER_DEGREE}\n"


def crc8(data: bytes) -> int:
    """Return the 1-wire checksum."""
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (_CRC_POLYNOMIAL if crc & 1 else 0)
    return crc


def _replace(path: Path, text: str) -> None:
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_text(text)
    os.replace(fresh, path)  # noqa: PTH105 - atomic, and overwrites
