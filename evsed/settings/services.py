"""What the user chose for the services that have only a switch or two."""

from dataclasses import dataclass
from typing import Final

from evsed.board.description import Board
from evsed.errors import RejectedError
from evsed.settings.fields import flag, text, whole
from evsed.settings.section import Section, plain_section


@dataclass(frozen=True, slots=True, kw_only=True)
class ModbusSettings:
    """Keys of /config/modbus. Source: rest.md section 5.2, modbus.md section 6."""

    tcp_enabled: bool = flag(False, about="whether the TCP server runs")
    unit_id: int = whole(1, low=1, high=255, about="answered on TCP and on serial lines")


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptSettings:
    """Keys of /config/script. Source: rest.md section 5.2."""

    enabled: bool = flag(False, about="whether the script engine runs")
    auto_reload: bool = flag(False, about="load scripts again when their files change")


@dataclass(frozen=True, slots=True, kw_only=True)
class FirmwareSettings:
    """What POST /firmware/channel chooses; empty for the board's first channel."""

    channel: str = text("", high=64, about="update channel")


def _check_channel(settings: FirmwareSettings, board: Board) -> None:
    names = [channel.name for channel in board.ota]
    if settings.channel and settings.channel not in names:
        known = ", ".join(names) or "none on this board"
        raise RejectedError(f"unknown channel, expected one of: {known}", key="channel")


def _fit_channel(
    settings: FirmwareSettings, board: Board
) -> tuple[FirmwareSettings, tuple[str, ...]]:
    try:
        _check_channel(settings, board)
    except RejectedError as error:
        return FirmwareSettings(), (str(error),)
    return settings, ()


MODBUS: Final[Section[ModbusSettings]] = plain_section("modbus", ModbusSettings)
SCRIPT: Final[Section[ScriptSettings]] = plain_section("script", ScriptSettings)
FIRMWARE: Final[Section[FirmwareSettings]] = plain_section(
    "firmware", FirmwareSettings, check=_check_channel, fit=_fit_channel
)
