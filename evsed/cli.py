"""The command line: run the charger, check a board file, replay a trace, measure.

A command loads what it needs when it is used: ``run`` must have opened the contactor by then, and
nobody should carry the benchmarks about.
"""

import argparse
import contextlib
import logging
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from evsed import __version__
from evsed.board.reader import find_board, read_board_checked
from evsed.errors import BadFileError, EvsedError
from evsed.loading import lean
from evsed.safe_start import open_what_was_left_closed
from evsed.sole_driver import RUNTIME_DIR, sole_driver

#: Exit statuses: all well; it ran and the answer is no; the question cannot be answered.
_YES: Final = 0
_NO: Final = 1
_UNANSWERED: Final = 2

#: How long a thread that holds the interpreter may keep the control thread waiting, s.
_SWITCH_INTERVAL_S: Final = 0.0005

_DEFAULT_CONFIG: Final = Path("/etc/evsed/evsed.yaml")
_DEFAULT_STATE: Final = Path("/var/lib/evsed")

_log = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit status."""
    sys.setswitchinterval(_SWITCH_INTERVAL_S)
    words = sys.argv[1:] if arguments is None else arguments
    given = _parser(words[0] if words else "").parse_args(words)
    act: Callable[[argparse.Namespace], int] = given.act
    try:
        status = act(given)
        sys.stdout.flush()
    except EvsedError as error:
        print(f"evsed: {error}", file=sys.stderr)
        return _UNANSWERED
    except BrokenPipeError:  # whoever read the output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _NO
    return status


def _parser(wanted: str = "") -> argparse.ArgumentParser:
    """Return the parser; of commands in modules of their own only the wanted one has its words."""
    parser = argparse.ArgumentParser(
        prog="evsed", description="EV charging station controller for a Raspberry Pi."
    )
    parser.add_argument("--version", action="version", version=f"evsed {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    _add_run(commands)
    _add_replay(commands)
    _add_check_board(commands)
    _add_credentials(commands)
    _add_reset(commands)
    _add_access_point(commands)
    for name, (about, add_arguments) in _WITH_MODULES.items():
        command = commands.add_parser(name, help=about)
        if name == wanted:
            add_arguments(command)
    return parser


def _add_run(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    run = commands.add_parser(
        "run",
        help="run the charger",
        description="Run the charger until SIGTERM or SIGINT. A first signal lets a charging "
        "vehicle stop drawing, up to 6 s; a second one opens the contactor at once.",
    )
    run.add_argument(
        "--board",
        metavar="F",
        help="board file, or the name of a shipped board such as sim (default: what the "
        "administrator's file says, else /etc/evsed/board.yaml)",
    )
    run.add_argument(
        "--config",
        type=Path,
        metavar="F",
        help=f"the administrator's file (default: {_DEFAULT_CONFIG} when it exists)",
    )
    _add_state_dir(run)
    run.add_argument(
        "--http-port",
        type=_port,
        metavar="N",
        help="instead of the configured port; 0 for any free one",
    )
    run.add_argument("--modbus-port", type=_port, metavar="N", help="the same for Modbus TCP")
    run.add_argument(
        "--simulator",
        type=Path,
        metavar="D",
        help="with a simulated board: use the simulator that runs in this directory",
    )
    run.add_argument(
        "--restart-in-place",
        action="store_true",
        help="where no service manager does it: start again when asked to restart",
    )
    run.add_argument(
        "--runtime-dir",
        type=Path,
        metavar="D",
        help="where pins are noted for the fail-safe helpers (default: /run/evsed, with a "
        "simulated board the simulator's directory)",
    )
    run.add_argument(
        "--guard",
        type=Path,
        metavar="S",
        help="the socket of evsed-guard: nothing is charged unless the guard watches",
    )
    run.add_argument("--verbose", action="store_true", help="log more")
    run.set_defaults(act=_run)


def _add_replay(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    replay_command = commands.add_parser(
        "replay",
        help="run traces against the charging rules",
        description="Run evsed-trace/1 files against the charging rules. Exit status 0 when every "
        "expectation holds, 1 with the first difference printed per file, 2 for a bad file.",
    )
    replay_command.add_argument("files", nargs="+", type=Path, metavar="FILE")
    replay_command.set_defaults(act=_replay)


def _add_check_board(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    check = commands.add_parser(
        "check-board",
        help="check a board file and print its pins",
        description="Check a board file and print what is wired to what. Exit status 0: good, "
        "1: with warnings, 2: errors.",
    )
    check.add_argument("board", metavar="F", help="board file, or the name of a shipped board")
    check.set_defaults(act=_check_board)


def _add_credentials(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    about = "The way back in when the password is lost"
    acts = commands.add_parser(
        "credentials", help="remove user and password", description=f"{about}."
    ).add_subparsers(metavar="ACT", required=True)
    clear_command = acts.add_parser(
        "clear",
        help="let everybody in again",
        description=f"{about}: everybody may use the charger again. To be run by root or the "
        "daemon's user; a running daemon notices it with the next request, two seconds later at "
        "most.",
    )
    _add_state_dir(clear_command)
    clear_command.set_defaults(act=_clear_credentials)


def _add_reset(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    reset = commands.add_parser(
        "reset",
        help="erase all settings at the next start",
        description="Note a factory reset: when the daemon starts next, settings, user and "
        "password and the lifetime energy are erased. Files in /etc, scripts and the log stay. To "
        "be run by root or the daemon's user.",
    )
    _add_state_dir(reset)
    reset.add_argument("--sessions", action="store_true", help="erase the history of charging too")
    reset.add_argument("--yes", action="store_true", help="do not ask")
    reset.set_defaults(act=_reset)


def _add_access_point(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    show = commands.add_parser(
        "access-point",
        help="show the passphrase of the charger's own network",
        description="Show the passphrase of the charger's own Wi-Fi network. To be run by root or "
        "the daemon's user.",
    )
    _add_state_dir(show)
    show.set_defaults(act=_show_access_point)


def _add_state_dir(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--state-dir",
        type=Path,
        default=_DEFAULT_STATE,
        metavar="D",
        help="where settings, ledger and recordings are kept (default: %(default)s)",
    )


def _calibrate(command: argparse.ArgumentParser) -> None:
    from evsed import calibrate

    calibrate.add_arguments(command)


def _bench(command: argparse.ArgumentParser) -> None:
    from evsed.bench import command as bench

    bench.add_arguments(command)


def _doctor(command: argparse.ArgumentParser) -> None:
    from evsed.doctor import command as doctor

    doctor.add_arguments(command)


def _script(command: argparse.ArgumentParser) -> None:
    from evsed import script_desk

    script_desk.add_arguments(command)


_WITH_MODULES: Final[Mapping[str, tuple[str, Callable[[argparse.ArgumentParser], None]]]] = {
    "calibrate": ("put the metering channels right", _calibrate),
    "bench": ("measure this machine on the simulator", _bench),
    "doctor": ("look for what keeps a charger from working here", _doctor),
    "script": ("try scripts at a desk, without a charger", _script),
}


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text[:6]) <= 65535):
        raise argparse.ArgumentTypeError(f"a whole number from 0 to 65535 expected, not {text!r}")
    return int(text)


def _run(given: argparse.Namespace) -> int:
    config = given.config
    if config is None and _DEFAULT_CONFIG.exists():
        config = _DEFAULT_CONFIG
    with contextlib.ExitStack() as alone:
        driver = sole_driver(given.runtime_dir or RUNTIME_DIR)
        open_what_was_left_closed(
            given.board, config, given.simulator, lambda: alone.enter_context(driver)
        )
        with lean():
            from evsed.run_command import run

        return run(given, config)


def _clear_credentials(given: argparse.Namespace) -> int:
    from evsed.settings import credentials

    there = credentials.clear(given.state_dir)
    print(f"{given.state_dir}: {'credentials cleared' if there else 'no credentials were set'}")
    return _YES


def _reset(given: argparse.Namespace) -> int:
    from evsed.settings.reset import Reset, ask_for_reset

    if not given.yes and not _agreed(f"Erase all settings in {given.state_dir}?"):
        print("nothing was changed")
        return _NO
    ask_for_reset(given.state_dir, Reset(sessions=given.sessions, source="command line"))
    print(f"{given.state_dir}: settings are erased when the daemon starts next")
    print("with the Debian package: systemctl restart evsed")
    return _YES


def _agreed(question: str) -> bool:
    """Ask; no answer is no."""
    try:
        return input(f"{question} Type yes: ").strip() == "yes"
    except EOFError:
        print()
        return False


def _show_access_point(given: argparse.Namespace) -> int:
    from evsed.surroundings import ACCESS_POINT_KEY

    file: Path = given.state_dir / ACCESS_POINT_KEY
    try:
        print(file.read_text(encoding="ascii").strip())
    except FileNotFoundError:
        print("none yet: the daemon makes it when it starts")
        return _NO
    except (OSError, ValueError) as error:
        raise BadFileError(f"{file}: cannot be read: {error}") from error
    return _YES


def _replay(given: argparse.Namespace) -> int:
    from evsed import replay_command

    return replay_command.run(given)


def _check_board(given: argparse.Namespace) -> int:
    from evsed.board.pin_table import pin_table

    file = find_board(given.board)
    board, warnings = read_board_checked(file)
    rows = [("pin", "function", "use"), *pin_table(board)]
    widths = [max(len(row[column]) for row in rows) for column in range(2)]
    print(f"{file}: {board.device_name}")
    for pin, function, use in rows:
        print(f"  {pin:<{widths[0]}}  {function:<{widths[1]}}  {use}")
    for warning in warnings:
        print(f"warning: {warning}", file=sys.stderr)
    return _NO if warnings else _YES
