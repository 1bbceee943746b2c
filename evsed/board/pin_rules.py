"""The Pi's rules about GPIOs and kernel buses. Source: board.md section 4, decision 26."""

from typing import Final

from evsed.board.description import Adc
from evsed.board.reading import PinUse, Reading

_UART0: Final = frozenset({"/dev/serial0", "/dev/ttyAMA0", "/dev/ttyS0"})
_UART0_PINS: Final = ((14, "UART0 TXD"), (15, "UART0 RXD"))
_HEARTBEAT: Final = "watchdog.heartbeatGpio"

#: (MISO, MOSI, SCLK) and chip selects. SPI3 to SPI6 exist on the Pi 4 family.
_SPI_DATA: Final = {
    0: (9, 10, 11),
    1: (19, 20, 21),
    3: (1, 2, 3),
    4: (5, 6, 7),
    5: (13, 14, 15),
    6: (19, 20, 21),
}
CHIP_SELECTS: Final = {
    0: (8, 7),
    1: (18, 17, 16),
    3: (0, 24),
    4: (4, 25),
    5: (12, 26),
    6: (18, 27),
}


def spi_pins(adcs: tuple[Adc, ...]) -> dict[int, str]:
    """Return the GPIOs the kernel takes for the buses in use, and what for.

    SPI0 always has both chip selects; another bus has those up to the highest one in use, which
    is what its device tree overlays claim.
    """
    highest: dict[int, int] = {0: 1} if any(_is_spi(adc) and adc.bus == 0 for adc in adcs) else {}
    for adc in adcs:
        if _is_spi(adc):
            highest[adc.bus] = max(highest.get(adc.bus, 0), adc.cs)
    pins: dict[int, str] = {}
    for bus, last in highest.items():
        words = zip(("MISO", "MOSI", "SCLK"), _SPI_DATA[bus], strict=True)
        pins |= {gpio: f"SPI{bus} {word}" for word, gpio in words}
        selects = enumerate(CHIP_SELECTS[bus][: last + 1])
        pins |= {gpio: f"SPI{bus} CE{place}" for place, gpio in selects}
    return pins


def uart_pins(devices: list[str]) -> dict[int, str]:
    """Return the GPIOs of the serial ports in use. USB adapters have none."""
    return dict(_UART0_PINS) if _UART0.intersection(devices) else {}


def check_pins(reading: Reading) -> None:
    """Note every rule about GPIOs that the file breaks."""
    _no_pin_twice(reading)
    simulated = reading.get("platform", str) == "sim"
    buses = {} if simulated else _bus_pins(reading)
    for use in reading.pins:
        if use.gpio in buses:
            reading.errors.add(use.mark, use.path, f"GPIO {use.gpio} belongs to {buses[use.gpio]}")
        elif use.gpio in {0, 1}:
            text = f"GPIO {use.gpio} is reserved for the EEPROM of the hat"
            reading.errors.add(use.mark, use.path, text)
        elif use.role.at_reset:
            _check_reset_level(use, reading, simulated=simulated)


def _no_pin_twice(reading: Reading) -> None:
    first: dict[int, PinUse] = {}
    for use in reading.pins:
        if use.gpio < 0:
            continue
        if use.gpio in first:
            other = first[use.gpio]
            text = f"GPIO {use.gpio} is used twice, also by {other.path} in line {other.mark.line}"
            reading.errors.add(use.mark, use.path, text)
        else:
            first[use.gpio] = use


def _bus_pins(reading: Reading) -> dict[int, str]:
    serials = [reading.get(f"serials[{place}].device", str) for place in range(3)]
    return spi_pins(reading.converters or ()) | uart_pins([port for port in serials if port])


def _check_reset_level(use: PinUse, reading: Reading, *, simulated: bool) -> None:
    """An output must be off from power-on until the daemon runs."""
    neighbour = f"{use.path.rpartition('.')[0]}.{use.role.invert_key}"
    inverted = reading.get(neighbour, bool) if use.role.invert_key else False
    texts = []
    if use.gpio < 9:
        texts.append(f"GPIO {use.gpio} is pulled up at reset; permitted for an output: 9 … 27")
    if inverted:
        key = neighbour.rpartition(".")[2]
        texts.append(f"GPIO {use.gpio} with {key}: true is on from reset until the daemon runs")
    severe = use.role.at_reset == "error" and not _is_pulsed_heartbeat(use, reading)
    for text in texts:
        if severe:
            reading.errors.add(use.mark, use.path, text)
        elif not simulated:
            reading.warnings.add(use.mark, use.path, text)


def _is_pulsed_heartbeat(use: PinUse, reading: Reading) -> bool:
    """A charge pump that wants a pulse train is not fooled by a pulled-up pin."""
    return use.path == _HEARTBEAT and reading.get("watchdog.heartbeatHz", int) is not None


def _is_spi(adc: Adc) -> bool:
    return adc.type != "sim"
