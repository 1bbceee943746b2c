"""What else is measured beside the control loop: a plain thread, and cyclictest."""

import asyncio
import shutil
import threading
import time
from asyncio.subprocess import DEVNULL, PIPE
from typing import Final

from evsed.hardware.real_time import CONTROL
from evsed.station.loop import PERIOD_MS

_PERIOD_NS: Final = PERIOD_MS * 1_000_000
#: Latencies above this are only counted by cyclictest, us.
_HISTOGRAM_US: Final = 100_000


class PlainThread:
    """A thread of this process with the period of the control loop and no priority."""

    def __init__(self) -> None:
        self.lateness_us: list[int] = []
        self._ending = False
        self._thread = threading.Thread(target=self._run, name="evsed-bench-plain", daemon=True)

    def __enter__(self) -> "PlainThread":
        """Start it."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End it."""
        self._ending = True
        self._thread.join()

    def _run(self) -> None:
        deadline = time.monotonic_ns()
        while not self._ending:
            deadline += _PERIOD_NS
            while (left := deadline - time.monotonic_ns()) > 0:
                time.sleep(left / 1e9)
            late_ns = time.monotonic_ns() - deadline
            self.lateness_us.append(late_ns // 1000)
            deadline += late_ns // _PERIOD_NS * _PERIOD_NS


async def cyclictest(seconds: int) -> list[int] | None:
    """Run cyclictest with the control loop's period and priority.

    Returns:
        Latencies in us, in no order; None when it is not installed or not permitted.
    """
    command = shutil.which("cyclictest")
    if command is None:
        return None
    process = await asyncio.create_subprocess_exec(
        command,
        *("--quiet", "--mlockall", "--threads=1", f"--priority={CONTROL}"),
        *(f"--interval={PERIOD_MS * 1000}", f"--duration={seconds}"),
        f"--histogram={_HISTOGRAM_US}",
        stdin=DEVNULL,
        stdout=PIPE,
    )
    try:
        out, _ = await process.communicate()
    except asyncio.CancelledError:
        process.kill()
        await process.wait()
        raise
    return latencies(out.decode()) if process.returncode == 0 else None


def latencies(output: str) -> list[int]:
    """Return the latencies of a histogram: lines of microseconds and count, and the maximum."""
    found: list[int] = []
    worst = 0
    for line in output.splitlines():
        words = line.split()
        if line.startswith("# Max Latencies:"):
            worst = int(words[-1])
        elif len(words) == 2 and words[0].isdigit() and words[1].isdigit():
            found += [int(words[0])] * int(words[1])
    if worst >= _HISTOGRAM_US:
        found.append(worst)
    return found
