"""Make docs/safety.md anew: ``python -m tests.safety [--phases N] [--endings N]``, some minutes."""

import argparse
import random
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

_TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(_TESTS), str(_TESTS / "daemon")]

from daemon_world import Daemon, RunningSimulator, milliseconds_until, pair  # noqa: E402
from exploration.explorer import explore  # noqa: E402
from exploration.invariants import INVARIANTS  # noqa: E402
from exploration.stories import SMALL  # noqa: E402
from scenarios.sequences import RESISTORS, SEQUENCES, Sequence, board_with  # noqa: E402
from scenarios.street import Street  # noqa: E402

import evsed  # noqa: E402
from evsed.bench.machine_facts import facts  # noqa: E402
from evsed.charging.pilot import duty_ppm  # noqa: E402
from evsed.hardware.simulator.pilot_stage import Drive, offered_a  # noqa: E402

PAGE = Path(__file__).with_name("page.md")
SHOWN = _TESTS.parent / "docs" / "safety.md"

_DEAD_MAN_MS = 600
_AT_ONCE_MS = 300


def _explored() -> dict[str, str]:
    checks: Counter[str] = Counter()
    states = transitions = 0
    for story in SMALL:
        found = explore(story)
        if not found.complete:
            raise RuntimeError(f"{story.name}: not explored to its end")
        checks.update(found.checks)
        states += found.states
        transitions += found.transitions
    rows = [f"| {checks[name]} | {name} |" for name in INVARIANTS]
    return {"states": str(states), "transitions": str(transitions), "invariants": "\n".join(rows)}


def _worst(sequence: Sequence, resistors: str, phases: int) -> str:
    dice = random.Random(f"{sequence.name} {resistors}")  # noqa: S311  # the same in every run
    board = board_with(resistors)
    took = [sequence.measure(Street(board).start(), dice.randrange(20_000)) for _ in range(phases)]
    kept = sequence.least_ms <= min(took) and max(took) <= sequence.most_ms
    shown = min(took) if sequence.least_ms else max(took)
    return f"{shown:.0f} ms" + ("" if kept else " **missed**")


def _promise(sequence: Sequence) -> str:
    least = f"{sequence.least_ms:.0f} to " if sequence.least_ms else "≤ "
    return f"{least}{sequence.most_ms:.0f} ms"


def _sequences(phases: int) -> dict[str, str]:
    rows = []
    for sequence in SEQUENCES:
        measured = " | ".join(_worst(sequence, one, phases) for one in RESISTORS)
        rows.append(f"| {sequence.name} | {sequence.limit} | {_promise(sequence)} | {measured} |")
    return {
        "sequences": "\n".join(rows),
        "phases": str(phases),
        "resistor_names": " | ".join(RESISTORS),
        "resistor_rule": "|".join("--:" for _ in RESISTORS),
        "resistors": ", ".join(f"{name} {r2} and {r3}" for name, (r2, r3) in RESISTORS.items()),
    }


Event = Callable[[RunningSimulator, Daemon], object]

_ENDINGS: tuple[tuple[str, str, int, Event], ...] = (
    (
        "the program is killed (SIGKILL)",
        "script inside the pin daemon",
        _DEAD_MAN_MS,
        lambda _, daemon: daemon.signal(signal.SIGKILL),
    ),
    (
        "the program is frozen (SIGSTOP)",
        "script inside the pin daemon",
        _DEAD_MAN_MS,
        lambda _, daemon: daemon.signal(signal.SIGSTOP),
    ),
    (
        "the converter stops answering",
        "the program itself",
        _AT_ONCE_MS,
        lambda simulator, _: simulator.set(adcDead=True),
    ),
    (
        "the pilot's output is stuck",
        "the program itself",
        _AT_ONCE_MS,
        lambda simulator, _: simulator.set(pwmDead=True),
    ),
)


def _ending_ms(event: Event) -> float:
    with (
        tempfile.TemporaryDirectory(prefix="evsed-safety-") as folder,
        pair(Path(folder)) as (simulator, daemon),
    ):
        daemon.charge()
        event(simulator, daemon)
        return milliseconds_until(lambda: not simulator.closed())


def _endings(count: int) -> dict[str, str]:
    rows = []
    for what, link, promise_ms, event in _ENDINGS:
        worst_ms = max(_ending_ms(event) for _ in range(count))
        missed = " **missed**" if worst_ms > promise_ms else ""
        rows.append(f"| {what} | {link} | {promise_ms} ms | {worst_ms:.0f} ms{missed} |")
    return {"endings_table": "\n".join(rows), "endings": str(count)}


def _offer_error() -> str:
    errors = []
    for asked_da in range(60, 631):
        read_a = offered_a(Drive("pwm", 1000, duty_ppm(asked_da), 0))
        if read_a > asked_da / 10 + 1e-9:
            raise RuntimeError(f"{asked_da / 10} A asked, {read_a} A offered")
        errors.append((asked_da / 10 - read_a, asked_da))
    between = [asked for error, asked in errors if error > 0.01]
    others = max(error for error, asked in errors if asked not in between)
    return (
        f"{others:.3f} A, but between {between[0] / 10} and {between[-1] / 10} A, where the duty "
        "stays at 85 % and a car reads 51 A"
    )


def main() -> int:
    """Measure everything and write the page."""
    parser = argparse.ArgumentParser(prog="tests.safety", description=__doc__)
    parser.add_argument("--phases", type=int, default=20, help="how often each step is played")
    parser.add_argument("--endings", type=int, default=5, help="how often each ending")
    options = parser.parse_args()
    found = {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "version": evsed.__version__,
        "machine": facts(None, None).machine,
        "offer_error": _offer_error(),
        **_explored(),
        **_sequences(options.phases),
        **_endings(options.endings),
    }
    SHOWN.write_text(PAGE.read_text().format_map(found))
    sys.stdout.write(f"{SHOWN.name}: written\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
