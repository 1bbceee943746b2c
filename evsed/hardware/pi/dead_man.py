"""The switch inside the pin daemon that opens the contactor when this process dies or hangs.

It protects from nothing that stops the pin daemon or the kernel. Source: pigpiod-protocol.md
section 7; charging.md section 18.9.
"""

import time
from pathlib import Path
from typing import Final

from evsed.board.description import Board
from evsed.hardware.pi.kept_script import DEAD_MAN, KeptScript
from evsed.hardware.pi.link import Link
from evsed.hardware.pi.pilot_output import ALWAYS_PPM, PILOT_HZ
from evsed.hardware.pi.script import HALTED, RUNNING, WAITING

ROUND_MS: Final = 20
_DEVICE: Final = "dead-man switch"
_LONGEST_REFRESH_MS: Final = 50
_NS_PER_MS: Final = 1_000_000


class ScriptDeadMan:
    """A ``DeadMan``: a script that counts down unless it is refreshed.

    It starts with the first refresh, so that building the station may take its time.
    """

    def __init__(self, link: Link, board: Board, runtime_dir: Path) -> None:
        self._count = 0
        self._running = False
        self._due_ns = 0
        self._pause_ns = refresh_ms(board.watchdog.deadman_time_ms) * _NS_PER_MS
        self._script = KeptScript(
            link, _DEVICE, board.ac_relay.gpios[0], dead_man_text(board), runtime_dir / DEAD_MAN
        )

    def refresh(self) -> bool:
        """Tell it that the control thread is alive; sends about each third call."""
        now_ns = time.monotonic_ns()
        if now_ns < self._due_ns:
            return True
        self._due_ns = now_ns + self._pause_ns
        self._count = (self._count + 1) & 0x7FFF_FFFF
        if self._running:
            self._script.update(self._count)
        else:
            self._start()
        return True

    def armed(self) -> bool:
        """Return whether it is running; when it has tripped, say so once and start it again."""
        state = self._script.state()
        if state == HALTED and self._running:
            self._start()
        return state in {RUNNING, WAITING}

    def stop(self) -> None:
        """Take it down; the contactor must be open. Never raises."""
        self._running = False
        self._script.delete()

    def _start(self) -> None:
        self._script.run(self._count)
        self._running = True


def refresh_ms(deadman_ms: int) -> int:
    """Return the shortest pause between two refreshes; passes come every 20 ms."""
    return min(_LONGEST_REFRESH_MS, deadman_ms // 4)


def dead_man_text(board: Board) -> str:
    """Return the script: contactor open and pilot low after so many rounds without a refresh."""
    rounds = max(board.watchdog.deadman_time_ms // ROUND_MS, 1)
    relay, pilot = board.ac_relay, board.pilot
    actions = [f"w {gpio} {int(relay.active_low)}" for gpio in relay.gpios]
    if pilot.pwm != "sysfs":
        low_ppm = ALWAYS_PPM if pilot.inverted else 0
        actions.append(f"hp {pilot.gpio} {PILOT_HZ} {low_ppm}")
        actions.append(f"w {pilot.gpio} {int(pilot.inverted)}")
    return (
        f"ld v0 p0 ld v1 {rounds} "
        f"tag 0 mils {ROUND_MS} lda p0 cmp v0 jz 1 sta v0 ld v1 {rounds} jmp 0 "
        f"tag 1 dcr v1 jnz 0 {' '.join(actions)} halt"
    )
