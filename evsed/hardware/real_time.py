"""Which threads run before others, and how they ask for it. Nothing else here knows the scheduler.

Source: platform.md section 7; decision 39. All stay below 50, where the kernel's interrupt
threads are.
"""

import ctypes
import os
from typing import Final

CONTROL: Final = 40
#: reports of the pin daemon and the residual current monitor's worker: they open the contactor
TRIP: Final = 37
SAMPLER: Final = 35
#: sees who held the interpreter before that one goes on; looks for microseconds, never works
WATCHER: Final = 25
#: the simulator stands for hardware, which waits for nobody
SIMULATOR: Final = 30
#: a preempted event loop would hold the interpreter while the control thread waits for it
EVENT_LOOP: Final = 20

_CURRENT_FUTURE_ON_FAULT: Final = 1 | 2 | 4  # Source: mlockall(2)


def ask_real_time(priority: int) -> str | None:
    """Give the calling thread SCHED_FIFO; return why not when the system refuses.

    Threads and processes it starts do not inherit the class.
    """
    policy = os.SCHED_FIFO | os.SCHED_RESET_ON_FORK
    try:
        os.sched_setscheduler(0, policy, os.sched_param(priority))
    except OSError as error:
        return str(error)
    return None


def lock_memory() -> bool:
    """Keep what this process uses out of the swap; return whether the system permits it.

    Only pages that have been touched: everything it could use would be several times as much.
    """
    return bool(ctypes.CDLL(None).mlockall(_CURRENT_FUTURE_ON_FAULT) == 0)
