"""The table behind /board-config: 12 keys in their order. Source: rest.md section 11. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from evsed.board.description import Board
from evsed.operations.values import Kind
from evsed.services.rest.schema import Schema, text


@dataclass(frozen=True, slots=True)
class BoardField:
    """One key of /board-config."""

    name: str
    kind: Kind
    about: str
    read: Callable[[Board], Any]
    unit: str = ""
    words: tuple[str, ...] = ()
    #: keys of the objects of a list
    keys: Mapping[str, Schema] = field(default_factory=dict)


def _min_break_time(board: Board) -> int:
    return board.socket_lock.min_break_time_ms if board.socket_lock else 0


BOARD_FIELDS: Final = (
    BoardField("deviceName", Kind.STRING, "name of the board", lambda board: board.device_name),
    BoardField(
        "socketLock", Kind.BOOLEAN, "a lock is fitted", lambda board: board.socket_lock is not None
    ),
    BoardField(
        "proximity",
        Kind.BOOLEAN,
        "the cable's rating is measured",
        lambda board: board.proximity is not None,
    ),
    BoardField(
        "socketLockMinBreakTime",
        Kind.INTEGER,
        "shortest pause between two attempts of the lock",
        _min_break_time,
        "ms",
    ),
    BoardField(
        "rcm",
        Kind.BOOLEAN,
        "a residual current monitor is fitted",
        lambda board: board.rcm is not None,
    ),
    BoardField(
        "temperatureSensor",
        Kind.BOOLEAN,
        "a temperature sensor is expected",
        lambda board: board.temperature_sensor,
    ),
    BoardField(
        "energyMeter",
        Kind.STRING,
        "best meter mode: none, cur or cur_vlt",
        lambda board: board.energy_meter_mode,
        words=("none", "cur", "cur_vlt"),
    ),
    BoardField(
        "energyMeterThreePhases",
        Kind.BOOLEAN,
        "three phases are measured",
        lambda board: board.energy_meter_three_phases,
    ),
    BoardField(
        "serials",
        Kind.OBJECTS,
        "serial ports: type uart or rs485, and name",
        lambda board: [{"type": port.type, "name": port.name} for port in board.serials],
        keys={"type": text(words=("uart", "rs485")), "name": text("as on the board")},
    ),
    BoardField(
        "auxInputs",
        Kind.NAMES,
        "names of free digital inputs",
        lambda board: [line.name for line in board.aux.inputs],
    ),
    BoardField(
        "auxOutputs",
        Kind.NAMES,
        "names of free digital outputs",
        lambda board: [line.name for line in board.aux.outputs],
    ),
    BoardField(
        "auxAnalogInputs",
        Kind.NAMES,
        "names of free analog inputs",
        lambda board: [line.name for line in board.aux.analog_inputs],
    ),
)


def board_object(board: Board) -> dict[str, Any]:
    """Return what GET /board-config sends."""
    return {field.name: field.read(board) for field in BOARD_FIELDS}
