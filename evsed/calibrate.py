"""``evsed calibrate``: put the metering channels of a running charger right, over REST."""

import argparse
import base64
import getpass
import json
import sys
import urllib.error
import urllib.request
from typing import Any, Final

_DEFAULT_URL: Final = "http://127.0.0.1"
#: a point is measured for five seconds
_WITHIN_S: Final = 30.0
_PHASES: Final = (1, 2, 3)
_UNITS: Final = {"current": "A", "voltage": "V"}
_YES, _NO = 0, 1


class _RefusedError(Exception):
    """The charger said no, or nothing."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.description = (
        "Put the metering channels of a running charger right. Charge a vehicle (or another steady "
        "load), read a meter you trust in the same line, and say what it reads. One point sets a "
        "gain; a second one with another load sets gain and offset."
    )
    acts = parser.add_subparsers(metavar="WHAT", required=True)
    for quantity, unit in _UNITS.items():
        act = acts.add_parser(quantity, help=f"{quantity} of one phase")
        act.add_argument("--phase", type=int, choices=_PHASES, default=1, help="(%(default)s)")
        act.add_argument(
            "--value", type=float, required=True, metavar=unit, help="what the other meter reads"
        )
        _add_charger(act)
        act.set_defaults(act=_measure, quantity=quantity)
    shift = acts.add_parser("shift", help="delay between voltage and current of one phase")
    shift.add_argument("--phase", type=int, choices=_PHASES, default=1, help="(%(default)s)")
    shift.add_argument(
        "--value",
        type=float,
        default=1.0,
        metavar="PF",
        help="power factor of the load, lagging (%(default)s: a heater)",
    )
    _add_charger(shift)
    shift.set_defaults(act=_measure, quantity="shift")
    show = acts.add_parser("show", help="what the channels read, and the calibration")
    _add_charger(show)
    show.set_defaults(act=_show)
    reset = acts.add_parser("reset", help="back to the scales of the board file")
    _add_charger(reset)
    reset.set_defaults(act=_reset)


def _add_charger(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--url", default=_DEFAULT_URL, metavar="URL", help="the charger (%(default)s)"
    )
    parser.add_argument("--user", metavar="NAME", help="asks for the password")


def _measure(given: argparse.Namespace) -> int:
    point = {"quantity": given.quantity, "phase": given.phase, "value": given.value}
    return _said(given, "POST", "meter/calibration", point, _line)


def _show(given: argparse.Namespace) -> int:
    status = _said(given, "GET", "meter", None, _pretty)
    return status or _said(given, "GET", "config/meter", None, _pretty)


def _reset(given: argparse.Namespace) -> int:
    return _said(given, "DELETE", "meter/calibration", None, lambda _: "the board file's scales")


def _line(answer: Any) -> str:
    if "shift" in answer:
        return f"the voltage is seen {answer['shift']} µs later than its current; in force"
    if answer["points"] == 1:
        return (
            f"read {answer['raw']}, gain {answer['gain']} in force; "
            "a second point with another load gives an offset as well"
        )
    return f"read {answer['raw']}, gain {answer['gain']} and offset {answer['offset']} in force"


def _pretty(answer: Any) -> str:
    return json.dumps(answer, indent=1)


def _said(given: argparse.Namespace, method: str, path: str, body: Any, text: Any) -> int:
    try:
        answer = _asked(given, method, path, body)
    except _RefusedError as error:
        print(f"evsed: {error}", file=sys.stderr)
        return _NO
    print(text(answer))
    return _YES


def _asked(given: argparse.Namespace, method: str, path: str, body: Any) -> Any:
    if not given.url.startswith(("http://", "https://")):
        raise _RefusedError(f"{given.url}: an address http://… is expected")
    request = urllib.request.Request(  # noqa: S310 - checked above
        f"{given.url.rstrip('/')}/api/v1/{path}",
        data=None if body is None else json.dumps(body).encode(),
        method=method,
        headers={"Content-Type": "application/json"},
    )
    if given.user:
        password = getpass.getpass(f"password of {given.user}: ")
        word = base64.b64encode(f"{given.user}:{password}".encode()).decode()
        request.add_header("Authorization", f"Basic {word}")
    try:
        with urllib.request.urlopen(request, timeout=_WITHIN_S) as answer:  # noqa: S310
            content = answer.read()
    except urllib.error.HTTPError as error:
        with error:
            raise _RefusedError(error.read().decode(errors="replace").strip()) from error
    except OSError as error:
        raise _RefusedError(f"{given.url}: {error}") from error
    return None if content == b"OK" else json.loads(content)
