"""Run ``evsed``; while a file is there, every SPI transfer fails as the kernel's driver fails.

Faults clear themselves after two seconds instead of sixty.
"""

import errno
import os
import sys
from pathlib import Path

from evsed import cli
from evsed.charging import faults
from evsed.hardware.simulator.spi_client import SimulatedSpiPort

_failing = Path(sys.argv.pop(1))
_exchange = SimulatedSpiPort.exchange


def _exchange_or_fail(self, request, records):
    if _failing.exists():
        raise OSError(errno.EIO, os.strerror(errno.EIO))
    _exchange(self, request, records)


faults.CLEAR_AFTER_MS = 2000
SimulatedSpiPort.exchange = _exchange_or_fail
sys.exit(cli.main())
