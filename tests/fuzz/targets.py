"""Every parser of what strangers send or files hold: what may be fed to it, and what must hold.

A target takes any bytes. It returns, or raises one of our own exceptions; anything else is a bug.
"""

import contextlib
import io
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType
from typing import Final

from evsed.board.description import Board
from evsed.board.reader import read_board, read_board_checked
from evsed.errors import BadFileError, EvsedError, RejectedError
from evsed.host.mqtt.address import read_address
from evsed.operations.strict_json import parse as parse_json
from evsed.services.at import protocol as at
from evsed.services.http.basic import read_basic
from evsed.services.http.guard import foreign_host
from evsed.services.modbus import mbap
from evsed.services.modbus.line import MOST_BYTES, LineReader
from evsed.services.mqtt.commands import read as read_command
from evsed.services.nextion import protocol as nextion
from evsed.services.nextion.commands import command_in
from evsed.services.nextion.model import display_info
from evsed.services.update.deb import read_package
from evsed.services.update.descriptor import read_descriptor
from evsed.services.webdav import conditions, request_headers
from evsed.services.webdav.bodies import parse_lock, parse_propfind, parse_proppatch
from evsed.services.webdav.paths import ROOT, href, parse_destination, parse_target
from evsed.settings.store import _parse as parse_settings
from evsed.settings.time_zone import posix_rule, zone
from evsed.station.trace import parse_trace, write_trace

BOARDS: Final = Path(__file__).parents[2] / "boards"
_MAX_UNIT: Final = 255
_FILE_BYTES: Final = 10_000


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _header(data: bytes) -> str:
    """Return what can stand in a header: the library refuses line ends and zeros before us."""
    return _text(data.translate(None, b"\r\n\0"))


def at_lines(data: bytes) -> None:
    cutter = at.LineCutter()
    cutter.feed(data)
    got = b""
    while (piece := cutter.cut()) is not None:
        got += piece.raw
        if piece.line is None or piece.line.text is None:
            continue
        assert len(piece.line.text) <= at.LONGEST_LINE
        try:
            request = at.parse(piece.line.text)
            if request.form is at.Form.WRITE:
                assert at.split(request.argument)
        except RejectedError:
            continue
    assert data.startswith(got)


def nextion_frames(data: bytes) -> None:
    cutter = nextion.FrameCutter()
    frames = cutter.feed(data)
    halves = nextion.FrameCutter()
    middle = len(data) // 2
    while 0 < middle < len(data) and data[middle] == data[middle - 1] == 0xFF:
        middle += 1  # of a run that is cut the first three bytes are the end, not the last
    assert frames == halves.feed(data[:middle]) + halves.feed(data[middle:])
    for frame in frames:
        assert 0 < len(frame) <= nextion.FRAME_LIMIT
        command_in(frame)
        display_info(frame)
    assert nextion.text("a", data.decode("utf-8", "replace")).endswith(nextion.END)


def modbus_tcp(data: bytes) -> None:
    cutter = mbap.FrameCutter()
    left = data
    try:
        while left:
            room = cutter.free()
            count = min(len(room), len(left))
            room[:count], left = left[:count], left[count:]
            cutter.added(count)
            while (frame := cutter.take()) is not None:
                assert frame.pdu
                assert len(frame.pdu) <= mbap.MOST_BYTES - 7
    except mbap.OutOfStepError:
        return


def modbus_rtu(data: bytes) -> None:
    if not data:
        return
    reader, unit = LineReader(), data[0] or _MAX_UNIT
    for piece in filter(None, data[1:].split(b"\xaa\x55")):
        for pdu in reader.feed(piece, unit):
            assert 1 <= len(pdu) <= MOST_BYTES - 3
    reader.silence(unit)


def board_file(data: bytes) -> None:
    with tempfile.NamedTemporaryFile(suffix=".yaml") as file:
        file.write(data)
        file.flush()
        try:
            board, _ = read_board_checked(Path(file.name))
        except BadFileError as error:
            said = str(error)
        else:
            said = file.name
            assert isinstance(board, Board)
        assert said.startswith(file.name)


def settings_file(data: bytes) -> None:
    parse_settings(data, _FULL_BOARD)


def trace_file(data: bytes) -> None:
    trace = parse_trace(data.decode("utf-8", "replace").splitlines(), source="fuzz")
    assert parse_trace(write_trace(trace), source="fuzz").events == trace.events


def time_zone(data: bytes) -> None:
    text = _text(data)
    zone(text)
    zone(posix_rule(text))


def xml(data: bytes) -> None:
    for parse in (parse_propfind, parse_proppatch, parse_lock):
        try:
            parse(data)
        except EvsedError:
            continue


def byte_range(data: bytes) -> None:
    size = len(data) * 7
    begin, end = request_headers.byte_range(_header(data), size)
    assert 0 <= begin <= end <= size


def dav_headers(data: bytes) -> None:
    text = _header(data)
    for read in (
        request_headers.depth,
        request_headers.lock_token,
        request_headers.overwrite,
        conditions.parse_if,
        conditions.etags,
        conditions.http_date_s,
    ):
        try:
            read(text)
        except EvsedError:
            continue
    assert 1 <= request_headers.timeout_s(text) <= request_headers.MAX_TIMEOUT_S


def dav_path(data: bytes) -> None:
    text = _header(data)
    with contextlib.suppress(EvsedError):
        parse_destination(text, "charger")
    place = parse_target(f"{ROOT}/{text}")
    for name in place.segments:
        assert name not in {"", ".", ".."}
        assert not set(name) & {"/", "\\", "\0"}
    assert parse_target(href(place.segments, collection=place.slash)) == place


def sign_in(data: bytes) -> None:
    text = _header(data)
    read_basic(text)
    pair = read_basic(f"Basic {text}")
    assert pair is None or ":" not in pair[0]
    foreign_host(text, {"charger"})


def json_body(data: bytes) -> None:
    value = parse_json(data)
    assert parse_json(json.dumps(value).encode()) == value


def mqtt_command(data: bytes) -> None:
    json.dumps(read_command(data), allow_nan=False)


def broker_address(data: bytes) -> None:
    address = read_address(_text(data))
    assert address.host
    assert 0 < address.port < 65536


def package(data: bytes) -> None:
    read_package(io.BytesIO(data))


def descriptor(data: bytes) -> None:
    read_descriptor(data)


_FULL_BOARD: Final = read_board(BOARDS / "full-three-phase.yaml")

TARGETS: Final[MappingProxyType[str, Callable[[bytes], None]]] = MappingProxyType(
    {
        "at": at_lines,
        "nextion": nextion_frames,
        "modbus-tcp": modbus_tcp,
        "modbus-rtu": modbus_rtu,
        "board-file": board_file,
        "settings-file": settings_file,
        "trace-file": trace_file,
        "time-zone": time_zone,
        "dav-xml": xml,
        "dav-range": byte_range,
        "dav-headers": dav_headers,
        "dav-path": dav_path,
        "sign-in": sign_in,
        "json-body": json_body,
        "broker-address": broker_address,
        "mqtt-command": mqtt_command,
        "package": package,
        "descriptor": descriptor,
    }
)


def feed(name: str, data: bytes) -> None:
    """Feed a target; what it refuses is as good as what it takes."""
    try:
        TARGETS[name](data[:_FILE_BYTES])
    except EvsedError:
        return
