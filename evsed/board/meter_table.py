"""The keys of a board file that have to do with metering. Source: board.md section 3.10."""

from typing import Final

from evsed.board.description import Channel, EnergyMeter, ExternalMeter, MeterChannels
from evsed.board.kinds import (
    ChannelReference,
    Key,
    ListOf,
    Section,
    choice,
    flag,
    number,
    text,
    whole,
)

_CHANNEL: Final = ChannelReference()
_HOST: Final = r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|[0-9A-Fa-f:]+"


def _meter_channels(
    adc_channels: tuple[Channel, ...], scale: float, invert: tuple[bool, ...] = ()
) -> MeterChannels:
    """Pad the directions; a list of another length is refused by the rules."""
    directions = (*invert, False, False, False)[: len(adc_channels)]
    return MeterChannels(adc_channels=adc_channels, scale=scale, invert=directions)


def _meter(unit: str) -> Section:
    return Section(
        _meter_channels,
        (
            Key(
                name="adcChannels",
                kind=ListOf(_CHANNEL, (1, 3)),
                field="adc_channels",
                required=True,
            ),
            Key(
                name="scale",
                kind=number(0, 1000, f"{unit} per mV", above=True),
                field="scale",
                required=True,
            ),
            Key(name="invert", kind=ListOf(flag(), (1, 2, 3)), field="invert"),
        ),
    )


ENERGY_METER: Final = Section(
    EnergyMeter,
    (
        Key(name="current", kind=_meter("A"), field="current", required=True),
        Key(name="voltage", kind=_meter("V"), field="voltage"),
        Key(name="phaseShift", kind=number(-1000, 1000, "µs"), field="phase_shift_us"),
        Key(name="frequency", kind=choice(50, 60), field="frequency_hz"),
        Key(name="noiseFloor", kind=number(0, 1, "A"), field="noise_floor_a"),
    ),
)

EXTERNAL_METER: Final = Section(
    ExternalMeter,
    (
        Key(
            name="model",
            kind=choice("sdm120", "sdm630", "em340", "sunspec"),
            field="model",
            required=True,
        ),
        Key(
            name="host",
            kind=text(253, pattern=_HOST, about="a name or an address"),
            field="host",
        ),
        Key(name="port", kind=whole(1, 65535), field="port"),
        Key(name="serial", kind=text(16), field="serial"),
        Key(name="unit", kind=whole(1, 247), field="unit"),
        Key(name="interval", kind=whole(200, 10_000, "ms"), field="interval_ms"),
        Key(name="fallback", kind=choice("board", "assumed", "none"), field="fallback"),
    ),
)
