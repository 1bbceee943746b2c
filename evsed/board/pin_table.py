"""The resolved list of pins and channels, for ``evsed check-board`` and for the installer."""

from collections.abc import Iterator

from evsed.board.description import Board, Channel
from evsed.board.kinds import ListOf, Scalar, Section
from evsed.board.pin_rules import spi_pins, uart_pins
from evsed.board.reading import PinRole
from evsed.board.table import BOARD

_ANALOG_USES = {
    "pilot.adcChannel": "control pilot sense",
    "pilot.adcChannelLow": "control pilot sense, negative",
    "proximity.adcChannel": "proximity sense",
    "energyMeter.current.adcChannels": "current L",
    "energyMeter.voltage.adcChannels": "voltage L",
}


def pin_table(board: Board) -> list[tuple[str, str, str]]:
    """Return pin, function and use of everything connected: GPIOs first, then channels."""
    rows = [(gpio, "SPI", use) for gpio, use in spi_pins(board.adcs).items()]
    devices = [port.device for port in board.serials]
    rows += [(gpio, "UART", use) for gpio, use in uart_pins(devices).items()]
    values = dict(_flatten(BOARD, "", board))
    roles = _pin_roles(BOARD, "")
    for path, value in values.items():
        role = roles.get(_without_places(path))
        if role is not None and isinstance(value, int) and value >= 0:
            rows.append((value, _function(role, path, values), _use(role, path, values)))
    table = [(f"GPIO {gpio}", function, use) for gpio, function, use in sorted(rows)]
    return table + _channel_rows(board, values)


def _channel_rows(board: Board, values: dict[str, object]) -> list[tuple[str, str, str]]:
    rows = []
    for path, value in values.items():
        if isinstance(value, Channel):
            place = path[-2] if path.endswith("]") else ""
            use = _ANALOG_USES.get(_without_places(path), "aux analog input")
            use += str(int(place) + 1) if place else ""
            if "aux." in path:
                use += f" {values[path.rpartition('.')[0] + '.name']}"
            adc = board.adcs[value.adc]
            rows.append((value.adc, value.channel, f"{adc.name}:{value.channel}", use))
    return [(name, "analog input", use) for _, _, name, use in sorted(rows)]


def _function(role: PinRole, path: str, values: dict[str, object]) -> str:
    section = path.rpartition(".")[0]
    words = [role.function]
    if role.pull_key and (pull := values[f"{section}.{role.pull_key}"]) != "none":
        words.append(f"pull {pull}")
    if role.invert_key and values[f"{section}.{role.invert_key}"]:
        words.append("active low" if role.function != "PWM 1 kHz" else "inverted")
    return ", ".join(words)


def _use(role: PinRole, path: str, values: dict[str, object]) -> str:
    section = path.rpartition(".")[0]
    if section.endswith("]"):
        return f"{role.use} {values[section + '.name']}"
    return f"{role.use} {int(path[-2]) + 1}" if path.endswith("]") else role.use


def _flatten(section: Section, path: str, holder: object) -> Iterator[tuple[str, object]]:
    """Walk the table of keys and a description side by side: dotted key and value."""
    for key in section.keys:
        inner = f"{path}.{key.name}" if path else key.name
        if isinstance(key.kind, Section):
            part = getattr(holder, key.field) if key.field else holder
            if part is not None:
                yield from _flatten(key.kind, inner, part)
            continue
        value = getattr(holder, key.field, None)
        yield inner, value
        if isinstance(value, tuple) and isinstance(key.kind, ListOf):
            for place, item in enumerate(value):
                name = f"{inner}[{place}]"
                if isinstance(key.kind.item, Section):
                    yield from _flatten(key.kind.item, name, item)
                else:
                    yield name, item


def _pin_roles(section: Section, path: str) -> dict[str, PinRole]:
    roles: dict[str, PinRole] = {}
    for key in section.keys:
        inner = f"{path}.{key.name}" if path else key.name
        kind = key.kind.item if isinstance(key.kind, ListOf) else key.kind
        if isinstance(kind, Section):
            roles |= _pin_roles(kind, inner)
        elif isinstance(kind, Scalar) and kind.role is not None:
            roles[inner] = kind.role
    return roles


def _without_places(path: str) -> str:
    return "".join(
        piece.partition("]")[2] if at else piece for at, piece in enumerate(path.split("["))
    )
