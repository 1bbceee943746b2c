"""Notes which pins open the contactor, for the helpers that do it when this process cannot.

They share no code with the daemon: ``systemd/failsafe/safe_off.py`` reads what is written here.
"""

from pathlib import Path

from evsed.board.description import Board, Pilot

_PERIOD_NS = 1_000_000


def pins_text(board: Board, pigpiod: tuple[str, int], pwm_root: Path) -> str:
    """Return the lines of the file.

    Args:
        board: its pins; only a real board's are those of this computer too.
        pigpiod: host and port of the pin daemon.
        pwm_root: where the kernel's PWM chips are.
    """
    relay, pilot = board.ac_relay, board.pilot
    host, port = pigpiod
    lines = ["evsed-pins 1", f"pigpiod {host} {port}"]
    lines += ["kernel"] if board.platform != "sim" else []
    lines += [f"contactor {gpio} {int(relay.active_low)}" for gpio in relay.gpios]
    lines.append(_pilot_line(pilot, pwm_root))
    return "\n".join([*lines, "end", ""])


def _pilot_line(pilot: Pilot, pwm_root: Path) -> str:
    if pilot.pwm != "sysfs":
        return f"pilot {pilot.gpio} {int(pilot.inverted)}"
    channel = pwm_root / f"pwmchip{pilot.pwm_chip}" / f"pwm{pilot.pwm_channel}"
    return f"pwm {channel}/duty_cycle {_PERIOD_NS if pilot.inverted else 0}"


def write_pins(path: Path, text: str) -> None:
    """Replace the file; whoever reads it finds the old pins or the new ones.

    Raises:
        OSError: it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    new.write_text(text, encoding="ascii")
    new.chmod(0o644)  # they are no secret
    new.replace(path)
