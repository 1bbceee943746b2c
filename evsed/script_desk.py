"""``evsed script run`` and ``evsed script test``: scripts at a desk, in time that is stepped.

``run`` is a whole charger: the real rules on the simulated circuit, with control passes every
20 ms of virtual time. ``test`` compares with recorded behavior. Source: lua.md section 16.
"""

import argparse
import contextlib
import itertools
import json
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from evsed.board.description import Board
from evsed.board.reader import find_board, read_board
from evsed.charging.commands import ApplyRules, Authorize, Command, ResetEnergy, Together
from evsed.charging.snapshot import Snapshot
from evsed.charging.states import Reason
from evsed.errors import BadFileError, EvsedError, HardwareError, RejectedError
from evsed.hardware.simulator.circuit import Circuit
from evsed.hardware.simulator.hat import simulated_hat
from evsed.operations.limits import lease_of
from evsed.operations.writing import steps_for
from evsed.services.script.calls import INVALID, SETTERS, BadValueError
from evsed.services.script.desk import Desk, Run, in_utc
from evsed.services.script.state import script_board, script_state
from evsed.services.script.vectors import run_file
from evsed.services.script.worker.engine import State, Value
from evsed.services.script.worker.files import MOST_FILE_BYTES
from evsed.services.script.worker.lua54 import NoLuaError
from evsed.settings.administrator import Administrator
from evsed.settings.schema import EvseSettings, default_evse
from evsed.station.control_pass import ControlPass
from evsed.station.counters import Counters
from evsed.station.loop import PERIOD_MS
from evsed.station.mailbox import Letter, Mailbox, Verdict
from evsed.station.rules_in_force import lock_timing, rules_in_force
from evsed.station.station import initial_memory
from evsed.units import amperes

_YES: Final = 0
_NO: Final = 1
_UNANSWERED: Final = 2
_MS: Final = 1000
_SETTLING: Final = frozenset({Reason.SELF_CHECK, Reason.PILOT_SETTLING})
_LONGEST_START_MS: Final = 10_000
_MOST_FILES: Final = 200
#: Registers what a file returns, or lets it do so itself.
_ENTRY: Final = """local made = require("{}")
if type(made) == "table" then component.register(made) end
"""

Printer = Callable[[str], None]


class SteppedCharger:
    """The rules of the station on a simulated circuit; time moves when it is told to.

    Args:
        board: what is fitted; nothing real is touched.
        told: called with the picture after every pass.
    """

    def __init__(self, board: Board, told: Callable[[int, Snapshot], None]) -> None:
        self.board, self._told = board, told
        self.administrator = Administrator()
        self.evse: EvseSettings = default_evse(board)
        self.circuit = Circuit(board)
        self.hat = simulated_hat(self.circuit)
        self._mailbox = Mailbox()
        memory = initial_memory(board, self.evse, self.administrator, Counters())
        if self.hat.lock is not None:
            self.hat.lock.configure(lock_timing(board, self.evse))
        self._pass = ControlPass(self.hat, memory, self._mailbox, self._clock_ms)
        self._zero_ms = 0
        while self.snapshot.reason in _SETTLING and self.now_ms < _LONGEST_START_MS:
            self._step()
        self._zero_ms = self._clock_ms()

    @property
    def now_ms(self) -> int:
        """Return virtual ms since the charger was ready."""
        return self._clock_ms() - self._zero_ms

    @property
    def snapshot(self) -> Snapshot:
        """Return the newest picture."""
        return self._pass.snapshot

    def advance(self, to_ms: int) -> None:
        """Run every control pass up to a time."""
        while self.now_ms + PERIOD_MS <= to_ms:
            self._step()

    def change(self, key: str, value: object) -> None:
        """Write a value as interfaces do; the pass that takes it has run on return.

        Raises:
            RejectedError: it is not permitted.
        """
        steps, after = steps_for([(key, value)], self.evse, self.board)
        if steps:
            self.send(*(self._command(step) for step in steps))
            self.evse = after

    def send(self, *commands: Command) -> None:
        """Give commands and run the pass that answers them.

        Raises:
            RejectedError: the rules refused them.
        """
        verdicts: list[Verdict] = []
        whole = commands[0] if len(commands) == 1 else Together(commands)
        self._mailbox.post(Letter(whole, "script", verdicts.append, lambda: False))
        while not verdicts:
            self._step()
        if isinstance(verdicts[0], RejectedError):
            raise verdicts[0]

    def _command(self, step: Command | EvseSettings) -> Command:
        if isinstance(step, EvseSettings):
            return ApplyRules(rules_in_force(self.board, step, self.administrator))
        return step

    def _step(self) -> None:
        self.circuit.advance_to_us(self.circuit.now_us + PERIOD_MS * _MS)
        self._told(self.now_ms if self._zero_ms else 0, self._pass.run())

    def _clock_ms(self) -> int:
        return self.circuit.now_us // _MS


class ChargerDesk(Desk):
    """A desk with a simulated charger on it; what happens is printed with its virtual time.

    Args:
        board: what is fitted.
        say: takes lines.
        parameters: stored values; every component finds its keys in them.
        epoch_s: the wall clock at the start.
    """

    def __init__(
        self, board: Board, say: Printer, parameters: Mapping[str, Value], epoch_s: int
    ) -> None:
        self._say = say
        self._shown: tuple[object, ...] = ()
        self._given = dict(parameters)
        super().__init__(board=script_board(board), epoch_s=epoch_s)
        self.charger = SteppedCharger(board, self._show)

    def advance(self, to_ms: int) -> None:
        """Let the charger run on."""
        self.charger.advance(to_ms)
        self.now_ms = max(self.now_ms, to_ms, self.charger.now_ms)

    def state(self) -> State:
        """Return everything the getters read."""
        charger = self.charger
        return script_state(charger.snapshot, charger.evse, charger.board)

    def stored(self, component: str) -> Mapping[str, str]:
        """Return what was given on the command line."""
        del component
        return {key: str(value) for key, value in self._given.items()}

    def _print(self, line: str, at_ms: int | None = None) -> None:
        self._say(f"[{(self.now_ms if at_ms is None else at_ms) / _MS:10.3f}] {line}")

    def _note(self, name: str, arguments: Sequence[Value]) -> None:
        given = [one for one in arguments if one is not None]
        self._print(f"> {name} {' '.join(json.dumps(one) for one in given)}".rstrip())

    def _show(self, at_ms: int, now: Snapshot) -> None:
        """Print what changed in the charger."""
        shown = (now.state, now.contactor_closed, now.offered_da, now.faults)
        if shown == self._shown:
            return
        self._shown = shown
        contactor = "closed" if now.contactor_closed else "open"
        faults = f", faults {now.faults.value}" if now.faults else ""
        self._print(
            f"= state {now.state.value}, contactor {contactor}, "
            f"offered {amperes(now.offered_da)} A{faults}",
            at_ms,
        )

    def _act(self, name: str) -> tuple[Any, ...]:
        self.charger.send(Authorize() if name == "evse.authorize" else ResetEnergy())
        self._follow()
        self._note(name, ())
        return (True,)

    def _hold(self, seconds: float, amps: float) -> None:
        self.charger.send(lease_of(None, seconds, amps))
        self._follow()

    def _set(self, name: str, value: Value) -> tuple[Any, ...]:
        setter = SETTERS[name]
        try:
            checked = setter.check(value, self.state()[name.partition(".")[0]])
            self.charger.change(*setter.change(checked))
        except BadValueError as error:
            return False, str(error)
        except RejectedError:
            return False, INVALID
        self._follow()
        self._note(name, [checked])
        return (True,)

    def _aux_call(self, name: str, arguments: Sequence[Value]) -> tuple[Any, ...]:
        aux, line = self.charger.hat.aux, str(arguments[0])
        try:
            if name == "aux.write":
                aux.set_output(line, on=bool(arguments[1]))
                self._note(name, arguments)
                return (True,)
            found: Mapping[str, object] = aux.inputs() if name == "aux.read" else aux.analog_mv()
        except HardwareError:
            return False, "aux read failed"
        return (True, found[line]) if line in found else (False, "unknow input name")

    def _follow(self) -> None:
        self.now_ms = max(self.now_ms, self.charger.now_ms)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.description = "Try scripts at a desk: time is stepped, and there is no charger."
    acts = parser.add_subparsers(metavar="ACT", required=True)
    _add_run(acts.add_parser("run", help="run a script against a simulated charger"))
    test = acts.add_parser("test", help="compare scripts with recorded behavior")
    test.description = (
        "Run recorded cases of scripts. Exit status 0 when every case went as recorded, 1 with "
        "the first difference printed per case, 2 for a bad file."
    )
    test.add_argument("files", nargs="+", type=Path, metavar="FILE.json")
    test.set_defaults(act=_test)


def _add_run(run: argparse.ArgumentParser) -> None:
    run.description = (
        "Run a script against a simulated charger in virtual time. Files beside it can be "
        "required. Lines of the script, what it does (>) and what the charger does (=) are printed "
        "with the virtual time in s. Exit status 0, 1 when a component failed, 2 for a bad file."
    )
    run.add_argument("file", type=Path, metavar="FILE", help="init.lua, or one component")
    run.add_argument(
        "--board", default="sim", metavar="F", help="board file or name, simulated (%(default)s)"
    )
    run.add_argument(
        "--for",
        dest="seconds",
        type=_seconds,
        default=60.0,
        metavar="S",
        help="virtual time to run, s (%(default)s)",
    )
    run.add_argument("--vehicle", metavar="KIND", help="plugged in from the start, e.g. charging")
    run.add_argument(
        "--param", action="append", default=[], metavar="KEY=VALUE", help="a stored parameter"
    )
    run.add_argument(
        "--at",
        action="append",
        nargs=2,
        default=[],
        metavar=("S", "KEY=VALUE"),
        help="at a time, change the simulated world (vehicle=charging), or publish a message "
        "(mqtt:TOPIC=TEXT)",
    )
    run.set_defaults(act=_run)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= 10_000_000:
        raise argparse.ArgumentTypeError(f"a number of seconds expected, not {text!r}")
    return seconds


def _test(given: argparse.Namespace) -> int:
    status, cases, held = _YES, 0, 0
    for file in given.files:
        try:
            for verdict in run_file(file):
                cases += 1
                held += not verdict.difference
                if verdict.difference:
                    status = max(status, _NO)
                    print(f"{file}: {verdict.name}: {verdict.difference}")
        except (BadFileError, NoLuaError) as error:
            print(f"evsed: {error}")
            status = _UNANSWERED
    print(f"{len(given.files)} files, {held} of {cases} cases went as recorded")
    return status


def _run(given: argparse.Namespace) -> int:
    board = read_board(find_board(given.board))
    events = sorted((_event(at, what) for at, what in given.at), key=lambda event: event[0])
    parameters = dict(_pair(text) for text in given.param)
    try:
        with _tree(given.file) as root, in_utc():
            desk = ChargerDesk(board, print, parameters, int(time.time()))
            if given.vehicle is not None:
                desk.charger.circuit.set({"vehicle": given.vehicle})
            run = Run(desk, root)
            _play(run, desk, events, round(given.seconds * _MS))
            failed = any(one["status"] == "failed" for one in run.components())
    except NoLuaError as error:
        raise EvsedError(str(error)) from error
    return _NO if failed else _YES


def _play(run: Run, desk: ChargerDesk, events: Sequence[tuple[int, str, str]], end_ms: int) -> None:
    for at_ms, key, value in events:
        run.to(min(at_ms, end_ms))
        topic = key.removeprefix("mqtt:")
        if topic != key:
            run.message(topic, value)
        else:
            desk.charger.circuit.set({key: _json_or_text(value)})
    run.to(end_ms)


def _event(at: str, what: str) -> tuple[int, str, str]:
    return round(_number(at) * _MS), *_pair(what)


def _number(text: str) -> float:
    try:
        return _seconds(text)
    except argparse.ArgumentTypeError as error:
        raise BadFileError(str(error)) from error


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals:
        raise BadFileError(f"KEY=VALUE expected, not {text!r}")
    return key, value


def _json_or_text(text: str) -> object:
    with contextlib.suppress(ValueError):
        return json.loads(text)
    return text


@contextlib.contextmanager
def _tree(script: Path) -> Iterator[Path]:
    """Yield a copy of the folder a script is in: what it writes is gone afterwards.

    Raises:
        BadFileError: there is no such script.
    """
    if not script.is_file():
        raise BadFileError(f"{script}: there is no such file")
    beside = list(_files_beside(script.parent))
    with tempfile.TemporaryDirectory(prefix="evsed-desk-") as folder:
        home = Path(folder, "usr", "lua")
        for file in [*beside, script]:
            copy = home / file.relative_to(script.parent)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, copy)
        if script.name != "init.lua":
            (home / "init.lua").write_text(_ENTRY.format(script.stem), encoding="utf-8")
        yield home.parent


def _files_beside(folder: Path) -> Iterator[Path]:
    """Yield what a script may require or read: its folder, and those directly in it."""
    for pattern in ("*.lua", "*/*.lua", "*.json"):
        for file in itertools.islice(folder.glob(pattern), _MOST_FILES):
            if file.is_file() and file.stat().st_size <= MOST_FILE_BYTES:
                yield file
