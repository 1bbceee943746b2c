"""What must fit together in a board file, key by key. Source: board.md sections 1 to 3."""

from evsed.board.description import Adc, Channel
from evsed.board.pin_rules import CHIP_SELECTS, check_pins
from evsed.board.reading import Reading

_FAST_HZ = 1_200_000
_FAST_VDD_MV = 5000
_SAFE_MISO_MV = 3600


def check_rules(reading: Reading) -> None:
    """Note everything that does not fit together. Looks only at values that were read well."""
    _platform(reading)
    _converters(reading)
    _channels_once(reading)
    _levels(reading)
    _pilot(reading)
    _contactor(reading)
    _meter(reading)
    _external_meter(reading)
    _serials(reading)
    _names(reading)
    _watchdog(reading)
    check_pins(reading)


def _platform(reading: Reading) -> None:
    if reading.get("platform", str) == "sim":
        return
    if "sim" in reading.marks:
        reading.refuse("sim", "permitted only with platform: sim")
    if reading.get("pilot.pwm", str) == "sim":
        reading.refuse("pilot.pwm", "sim is permitted only with platform: sim")
    for place in range(4):
        if reading.get(f"adcs[{place}].type", str) == "sim":
            reading.refuse(f"adcs[{place}].type", "sim is permitted only with platform: sim")


def _converters(reading: Reading) -> None:
    seen: dict[tuple[int, int], str] = {}
    for place in range(4):
        path = f"adcs[{place}]"
        speed = reading.get(f"{path}.speedHz", int) or 0
        vdd = reading.get(f"{path}.vdd", int) or 3300
        if speed > _FAST_HZ and vdd < _FAST_VDD_MV:
            text = f"above {_FAST_HZ} Hz only with vdd: {_FAST_VDD_MV}, vdd is {vdd} mV"
            reading.refuse(f"{path}.speedHz", text)
        if vdd > _SAFE_MISO_MV:
            text = f"at {vdd} mV the converter drives MISO too high: fit a divider before the Pi"
            reading.warn(f"{path}.vdd", text)
        _chip_select(path, seen, reading)


def _chip_select(path: str, seen: dict[tuple[int, int], str], reading: Reading) -> None:
    bus, select = reading.get(f"{path}.bus", int), reading.get(f"{path}.cs", int)
    if bus is None or select is None:
        return
    last = len(CHIP_SELECTS[bus]) - 1
    if select > last:
        reading.refuse(f"{path}.cs", f"SPI{bus} has the chip selects 0 … {last}")
    if (bus, select) in seen:
        text = f"SPI{bus} chip select {select} is used twice, also by {seen[bus, select]}"
        reading.refuse(f"{path}.cs", text)
    seen.setdefault((bus, select), path)


def _channels_once(reading: Reading) -> None:
    seen: dict[Channel, str] = {}
    for path, value in reading.values.items():
        if not isinstance(value, Channel):
            continue
        if value in seen:
            text = f"the channel is used twice, also by {seen[value]}"
            reading.refuse(path, f"{text} in line {reading.marks[seen[value]].line}")
        seen.setdefault(value, path)


def _levels(reading: Reading) -> None:
    lows = "pilot.adcChannelLow" if "pilot.adcChannelLow" in reading.marks else "pilot.adcChannel"
    for place in range(5):
        channel = lows if place == 4 else "pilot.adcChannel"
        _below_vref(f"pilot.levels[{place}]", channel, reading)
    for place in range(3):
        _below_vref(f"proximity.levels[{place}]", "proximity.adcChannel", reading)
    _below_vref("proximity.openLevel", "proximity.adcChannel", reading)
    top, bottom = (reading.get(f"proximity.levels[{place}]", int) for place in (0, 2))
    opened = reading.get("proximity.openLevel", int)
    short = reading.get("proximity.shortLevel", int)
    if opened is not None and top is not None and opened <= top:
        reading.refuse("proximity.openLevel", f"must be above the first of levels, {top} mV")
    if short is not None and bottom is not None and short >= bottom:
        reading.refuse("proximity.shortLevel", f"must be below the last of levels, {bottom} mV")
    if "proximity" in reading.marks and short is None:
        reading.warn("proximity", "shortLevel is missing: a short circuit counts as a 63 A cable")


def _below_vref(path: str, channel_path: str, reading: Reading) -> None:
    level, adc = reading.get(path, int), _adc_of(channel_path, reading)
    if level is not None and adc is not None and level > adc.vref_mv:
        text = f"{level} is not permitted, expected 0 … {adc.vref_mv} mV, the vref of {adc.name}"
        reading.refuse(path, text)


def _adc_of(path: str, reading: Reading) -> Adc | None:
    channel = reading.get(path, Channel)
    return reading.converters[channel.adc] if channel and reading.converters else None


def _pilot(reading: Reading) -> None:
    if reading.get("pilot.pwm", str) == "sysfs":
        for key in ("pwmChip", "pwmChannel"):
            if f"pilot.{key}" not in reading.marks:
                reading.refuse("pilot.pwm", f"sysfs needs {key}")


def _contactor(reading: Reading) -> None:
    coils = reading.get("acRelay.gpios", tuple)
    contacts = reading.get("acRelay.feedbackGpios", tuple)
    if coils is None:
        return
    if contacts is not None and len(contacts) != len(coils):
        text = f"a list of {len(contacts)} is not permitted, expected {len(coils)} as in gpios"
        reading.refuse("acRelay.feedbackGpios", text)
    if reading.get("acRelay.phaseSwitch", bool):
        if len(coils) != 2:
            reading.refuse("acRelay.phaseSwitch", "needs two gpios")
        if reading.get("limits.phases", int) != 3:
            reading.warn("acRelay.phaseSwitch", "does nothing without limits.phases: 3")


def _meter(reading: Reading) -> None:
    for part in ("current", "voltage"):
        path = f"energyMeter.{part}"
        channels = reading.get(f"{path}.adcChannels", tuple)
        invert = reading.get(f"{path}.invert", tuple)
        if channels is not None and invert is not None and len(invert) != len(channels):
            text = f"a list of {len(invert)} is not permitted, expected {len(channels)}"
            reading.refuse(f"{path}.invert", f"{text} as in adcChannels")


def _external_meter(reading: Reading) -> None:
    path = "externalMeter"
    if path not in reading.marks:
        return
    by_tcp, by_line = (f"{path}.{key}" in reading.marks for key in ("host", "serial"))
    if by_tcp == by_line:
        reading.refuse(path, "host (Modbus TCP) or serial (name of a serial port) is needed")
    if by_line and f"{path}.port" in reading.marks:
        reading.refuse(f"{path}.port", "permitted only with host")
    name = reading.get(f"{path}.serial", str)
    names = [reading.get(f"serials[{place}].name", str) for place in range(3)]
    if name is not None and name not in names:
        reading.refuse(f"{path}.serial", f"there is no serial port of the name {name}")
    own = "energyMeter" in reading.marks
    if reading.get(f"{path}.fallback", str) == "board" and not own:
        reading.refuse(f"{path}.fallback", "board needs the section energyMeter")


def _serials(reading: Reading) -> None:
    for place in range(3):
        path = f"serials[{place}]"
        _device(f"{path}.device", reading)
        if reading.get(f"{path}.type", str) == "uart":
            for key in ("direction", "directionGpio", "directionActiveLow"):
                if f"{path}.{key}" in reading.marks:
                    reading.refuse(f"{path}.{key}", "permitted only with type: rs485")
            continue
        by_gpio = reading.get(f"{path}.direction", str) == "gpio"
        has_gpio = f"{path}.directionGpio" in reading.marks
        if by_gpio and not has_gpio:
            reading.refuse(f"{path}.direction", "gpio needs directionGpio")
        if has_gpio and not by_gpio:
            reading.refuse(f"{path}.directionGpio", "permitted only with direction: gpio")


def _device(path: str, reading: Reading) -> None:
    """A simulated charger's peers are programs: they may be found anywhere."""
    device, simulated = reading.get(path, str), reading.get("platform", str) == "sim"
    if device is not None and not simulated and not device.startswith("/dev/"):
        reading.refuse(path, "a path under /dev/ is expected")


def _names(reading: Reading) -> None:
    aux = [f"aux.{part}[{n}]" for part in ("inputs", "outputs", "analogInputs") for n in range(4)]
    _unique([f"adcs[{place}].name" for place in range(4)], reading)
    _unique([f"{path}.name" for path in aux], reading)
    _unique([f"serials[{place}].name" for place in range(3)], reading)
    _unique([f"ota.channels[{place}].name" for place in range(3)], reading)
    if reading.get("platform", str) != "sim":
        _unique([f"serials[{place}].device" for place in range(3)], reading)


def _unique(paths: list[str], reading: Reading) -> None:
    seen: dict[str, str] = {}
    for path in paths:
        word = reading.get(path, str)
        if word is None:
            continue
        if word in seen:
            reading.refuse(path, f"{word} is there twice, also at {seen[word]}")
        seen.setdefault(word, path)


def _watchdog(reading: Reading) -> None:
    has_gpio = "watchdog.heartbeatGpio" in reading.marks
    if "watchdog.heartbeatHz" in reading.marks and not has_gpio:
        reading.refuse("watchdog.heartbeatHz", "needs heartbeatGpio")
    by_daemon = reading.get("pilot.pwm", str) != "sysfs"
    if reading.get("watchdog.deadman", bool) and not by_daemon:
        reading.refuse("watchdog.deadman", "needs the pin daemon: not with pilot.pwm: sysfs")
