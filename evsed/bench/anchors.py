"""What else is measured beside the control loop: a plain process, and cyclictest."""

import asyncio
import json
import shutil
import sys
import time
from asyncio.subprocess import DEVNULL, PIPE
from typing import Final

from evsed.hardware.real_time import CONTROL
from evsed.station.loop import PERIOD_MS

_PERIOD_NS: Final = PERIOD_MS * 1_000_000
#: Latencies above this are only counted by cyclictest, us.
_HISTOGRAM_US: Final = 100_000


def plain_loop(seconds: float) -> list[int]:
    """Wake with the period of the control loop, without any priority; return how late, us."""
    late_us: list[int] = []
    deadline = time.monotonic_ns()
    end = deadline + round(seconds * 1e9)
    while deadline < end:
        deadline += _PERIOD_NS
        while (left := deadline - time.monotonic_ns()) > 0:
            time.sleep(left / 1e9)
        late_ns = time.monotonic_ns() - deadline
        late_us.append(late_ns // 1000)
        deadline += late_ns // _PERIOD_NS * _PERIOD_NS
    return late_us


async def plain_process(seconds: int) -> list[int]:
    """Run ``plain_loop`` in a process of its own.

    In this one it would be a thread that takes the interpreter without having a priority, and make
    the passes late that it is to be compared with.
    """
    command = [sys.executable, "-m", __spec__.name, str(seconds)]
    process = await asyncio.create_subprocess_exec(*command, stdin=DEVNULL, stdout=PIPE)
    try:
        out, _ = await process.communicate()
    except asyncio.CancelledError:
        process.kill()
        await process.wait()
        raise
    found: list[int] = json.loads(out)
    return found


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


if __name__ == "__main__":
    print(json.dumps(plain_loop(float(sys.argv[1]))))
