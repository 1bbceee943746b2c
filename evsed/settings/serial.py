"""The settings of the board's serial ports: one entry per port, in the board's order."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from evsed.errors import RejectedError
from evsed.settings.fields import Setting, settings_of, whole, word

#: A port in one of these modes is the only one in it. Source: serial.md section 2, decision 10.
EXCLUSIVE: Final = ("at", "nextion", "modbus", "script", "meter")


@dataclass(frozen=True, slots=True, kw_only=True)
class SerialSettings:
    """One entry of /config/serial, keys in its order. Source: serial.md section 3."""

    mode: str = word(
        "none",
        words=("none", "at", "log", "nextion", "modbus", "script", "meter"),
        about="what it is for",
    )
    baud_rate: int = whole(115200, low=300, high=1_000_000, about="bits per second")
    data_bits: str = word("8", words=("5", "6", "7", "8"), about="data bits of a character")
    stop_bits: str = word("1", words=("1", "1.5", "2"), about="stop bits after a character")
    parity: str = word("disable", words=("disable", "even", "odd"), about="parity bit")


SERIAL: Final[Mapping[str, Setting]] = settings_of(SerialSettings)


def default_serial(ports: int) -> tuple[SerialSettings, ...]:
    """Return the settings of ports that were never configured."""
    return (SerialSettings(),) * ports


def wire_serial(serial: tuple[SerialSettings, ...]) -> list[dict[str, object]]:
    """Return the array interfaces show."""
    return [{wire: getattr(one, item.name) for wire, item in SERIAL.items()} for one in serial]


def patched_serial(before: tuple[SerialSettings, ...], patch: object) -> tuple[SerialSettings, ...]:
    """Return the settings with a patch applied: one object per port, absent keys keep.

    The array is judged as it would be afterwards, so that two ports may swap their modes.

    Raises:
        RejectedError: names port, key and what is permitted.
    """
    entries = _entries(patch, len(before))
    if entries and not any(key in SERIAL for entry in entries for key in entry):
        raise RejectedError(f"no known key in any entry; there are {', '.join(SERIAL)}")
    after = tuple(
        _patched(number, *pair) for number, pair in enumerate(zip(before, entries, strict=True))
    )
    _check_exclusive(after)
    return after


def fit_serial(
    stored: tuple[SerialSettings, ...], ports: int
) -> tuple[tuple[SerialSettings, ...], tuple[str, ...]]:
    """Return settings for just as many ports as the board has, and a sentence for each change.

    For settings that were stored with another board file.
    """
    if len(stored) == ports:
        return stored, ()
    fitted = (stored + default_serial(ports))[:ports]
    return fitted, (f"{len(stored)} entries, the board has {ports} serial ports",)


def _entries(patch: object, ports: int) -> list[Mapping[str, object]]:
    if not isinstance(patch, list) or len(patch) != ports:
        raise RejectedError(f"an array of {ports} objects is expected, one per serial port")
    for number, entry in enumerate(patch):
        if not isinstance(entry, Mapping):
            raise RejectedError("an object is expected", key=f"[{number}]")
    return patch


def _patched(number: int, before: SerialSettings, entry: Mapping[str, object]) -> SerialSettings:
    known: dict[str, object] = {}
    for wire, setting in SERIAL.items():
        if wire not in entry:
            continue
        try:
            known[setting.name] = setting.check(entry[wire])
        except RejectedError as error:
            raise RejectedError(error.reason, key=f"[{number}].{wire}") from error
    return replace(before, **known)  # type: ignore[arg-type]  # checked against the declarations


def _check_exclusive(serial: tuple[SerialSettings, ...]) -> None:
    modes = [one.mode for one in serial]
    for number, mode in enumerate(modes):
        if mode in EXCLUSIVE and mode in modes[:number]:
            text = f"{mode} is permitted on one port, and port {modes.index(mode)} has it"
            raise RejectedError(text, key=f"[{number}].mode")
