"""The kernel's SPI device: many conversions in one call."""

import ctypes
import os
from typing import Final, Protocol

from evsed.board.description import Adc
from evsed.errors import HardwareError

MOST_RECORDS: Final = 511  # the request number has 14 bits for the size
_MESSAGE: Final = 0x40006B00  # SPI_IOC_MESSAGE(0). Source: linux/spi/spidev.h


class Transfer(ctypes.Structure):
    """``struct spi_ioc_transfer``: 32 bytes. Source: linux/spi/spidev.h."""

    _fields_ = (
        ("tx_buf", ctypes.c_uint64),
        ("rx_buf", ctypes.c_uint64),
        ("len", ctypes.c_uint32),
        ("speed_hz", ctypes.c_uint32),
        ("delay_usecs", ctypes.c_uint16),
        ("bits_per_word", ctypes.c_uint8),
        ("cs_change", ctypes.c_uint8),
        ("tx_nbits", ctypes.c_uint8),
        ("rx_nbits", ctypes.c_uint8),
        ("word_delay_usecs", ctypes.c_uint8),
        ("pad", ctypes.c_uint8),
    )


Records = ctypes.Array[Transfer]


def message_request(count: int) -> int:
    """Return the ioctl request for ``count`` records, at most 511."""
    return _MESSAGE | ctypes.sizeof(Transfer) * count << 16


class SpiPort(Protocol):
    """One converter's chip select."""

    def exchange(self, request: int, records: Records) -> None:
        """Do every transfer in one call; answers arrive through the records' pointers.

        Raises:
            OSError: the bus failed.
        """

    def close(self) -> None:
        """Close the device."""


class SpidevPort:
    """A ``SpiPort`` on ``/dev/spidev<bus>.<cs>``.

    Raises:
        HardwareError: the device cannot be opened.
    """

    def __init__(self, adc: Adc) -> None:
        # Only here: a simulated charger runs where spidev could not be compiled.
        try:
            import spidev  # noqa: PLC0415
        except ImportError as error:
            raise HardwareError(f"SPI {adc.bus}.{adc.cs}: spidev is not installed") from error
        self._device = spidev.SpiDev()
        try:
            self._device.open(adc.bus, adc.cs)
            self._device.mode = 0
            self._device.bits_per_word = 8
            self._device.max_speed_hz = adc.speed_hz
        except OSError as error:
            raise HardwareError(
                f"converter {adc.name} on SPI bus {adc.bus}, chip select {adc.cs}: {error}"
            ) from error
        # fcntl.ioctl keeps the interpreter lock for buffers above 1024 bytes; ctypes never does
        self._ioctl = ctypes.CDLL(None, use_errno=True).ioctl
        self._ioctl.argtypes = (ctypes.c_int, ctypes.c_ulong, ctypes.c_void_p)

    def exchange(self, request: int, records: Records) -> None:
        """Do every transfer in one call."""
        if self._ioctl(self._device.fileno(), request, ctypes.addressof(records)) < 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))

    def close(self) -> None:
        """Close the device."""
        self._device.close()
