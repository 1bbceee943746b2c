import math
from collections.abc import Callable

import pytest

from evsed.board.description import Channel, EnergyMeter, MeterChannels
from evsed.hardware.interfaces import MeterReading
from evsed.hardware.metering import ChannelSamples, Metering

PATTERN_US = 9 * 43
CURRENTS = tuple(Channel(0, number) for number in (0, 1, 2))
VOLTAGES = tuple(Channel(0, number) for number in (3, 4, 5))


def meter(*, voltage: bool = True, shift_us: float = 0.0, invert: bool = False) -> EnergyMeter:
    return EnergyMeter(
        current=MeterChannels(adc_channels=CURRENTS, scale=0.1, invert=(invert,) * 3),
        voltage=MeterChannels(adc_channels=VOLTAGES, scale=0.5, invert=()) if voltage else None,
        phase_shift_us=shift_us,
    )


def wave(rms_mv: float, phase: int, lag_us: float = 0.0) -> Callable[[float], float]:
    def at(t_us: float) -> float:
        angle = math.tau * ((t_us - lag_us) / 20_000 - phase / 3)
        return 1650 + rms_mv * math.sqrt(2) * math.sin(angle)

    return at


def readings(
    metering: Metering,
    amperes: tuple[float, float, float],
    *,
    windows: int = 12,
    current_lag_us: float = 0.0,
    voltage_lag_us: float = 0.0,
    sign: int = 1,
) -> list[MeterReading]:
    signals: dict[Channel, Callable[[float], float]] = {}
    for phase in range(3):
        signals[CURRENTS[phase]] = wave(sign * amperes[phase] / 0.1, phase, current_lag_us)
        signals[VOLTAGES[phase]] = wave(230 / 0.5, phase, voltage_lag_us)
    result = []
    for number in range(windows):
        window = {}
        for place, (channel, signal) in enumerate(signals.items()):
            started = number * 10_100 + place * 43
            count = 26
            times = [started + PATTERN_US * index for index in range(count)]
            window[channel] = ChannelSamples(started, PATTERN_US, [signal(t) for t in times])
        reading = metering.feed(window, ended_ms=number * 10 + 10)
        if reading is not None:
            result.append(reading)
    return result


def test_rms_and_power_of_three_phases_come_out_within_one_percent() -> None:
    last = readings(Metering(meter()), (16.0, 10.0, 6.0))[-1]
    assert last.currents_a == pytest.approx((16.0, 10.0, 6.0), rel=0.01)
    assert last.voltages_v == pytest.approx((230.0, 230.0, 230.0), rel=0.01)
    assert last.real_power_w == pytest.approx(32 * 230, rel=0.015)


def test_the_first_two_periods_find_the_zero_line_and_the_next_crossing_begins_a_reading() -> None:
    assert readings(Metering(meter()), (16.0, 16.0, 16.0), windows=8) == []
    assert len(readings(Metering(meter()), (16.0, 16.0, 16.0), windows=11)) == 1


def test_a_small_current_reads_as_none() -> None:
    last = readings(Metering(meter()), (0.14, 0.16, 0.0))[-1]
    assert last.currents_a[0] == 0.0
    assert last.currents_a[1] == pytest.approx(0.16, rel=0.02)
    assert last.real_power_w == pytest.approx(0.16 * 230, rel=0.02)


def test_a_lagging_current_gives_less_real_power_than_apparent() -> None:
    sixth_of_a_period_us = 20_000 / 6
    last = readings(Metering(meter()), (10.0, 10.0, 10.0), current_lag_us=sixth_of_a_period_us)[-1]
    assert last.real_power_w == pytest.approx(3450, rel=0.02)
    assert last.currents_a == pytest.approx((10.0, 10.0, 10.0), rel=0.01)


def test_the_phase_shift_of_the_board_takes_out_the_delay_of_the_transformers() -> None:
    last = readings(Metering(meter(shift_us=1000)), (10.0,) * 3, voltage_lag_us=1000)[-1]
    assert last.real_power_w == pytest.approx(6900, rel=0.01)


def test_a_transformer_mounted_backwards_is_put_right_by_invert() -> None:
    assert readings(Metering(meter()), (10.0,) * 3, sign=-1)[-1].real_power_w == pytest.approx(
        -6900, rel=0.01
    )
    inverted = Metering(meter(invert=True))
    assert readings(inverted, (10.0,) * 3, sign=-1)[-1].real_power_w == pytest.approx(
        6900, rel=0.01
    )


def test_without_voltage_channels_there_is_no_real_power() -> None:
    last = readings(Metering(meter(voltage=False)), (16.0, 16.0, 16.0))[-1]
    assert last.real_power_w is None
    assert last.voltages_v == (0.0, 0.0, 0.0)


def test_a_pause_starts_the_measurement_afresh() -> None:
    metering = Metering(meter(voltage=False))
    tone = wave(100, 0)

    def window(started_us: int, signal: Callable[[float], float]) -> MeterReading | None:
        times = [started_us + PATTERN_US * index for index in range(26)]
        samples = ChannelSamples(started_us, PATTERN_US, [signal(t) for t in times])
        return metering.feed({CURRENTS[0]: samples}, ended_ms=started_us // 1000 + 10)

    for number in range(4):
        window(number * 10_000, tone)
    for number in range(3):
        assert window(40_000 + number * 10_000, wave(900, 0)) is None
    results = [window(1_000_000 + number * 10_000, tone) for number in range(20)]
    assert results[:4] == [None] * 4
    found = [reading for reading in results if reading is not None]
    assert found[-1].currents_a[0] == pytest.approx(10.0, rel=0.01)


def test_the_zero_line_follows_a_slow_drift() -> None:
    metering = Metering(meter(voltage=False))
    last = None
    for number in range(4000):
        started = number * 10_000
        times = [started + PATTERN_US * index for index in range(26)]
        drift = 20 * min(number / 2000, 1.0)
        mv = [wave(10, 0)(t) + drift for t in times]
        samples = {CURRENTS[0]: ChannelSamples(started, PATTERN_US, mv)}
        last = metering.feed(samples, ended_ms=number) or last
    assert last is not None
    assert last.currents_a[0] == pytest.approx(1.0, rel=0.02)


def test_channels_of_other_uses_are_ignored() -> None:
    metering = Metering(meter())
    assert metering.feed({Channel(1, 0): ChannelSamples(0, 43, [1, 2])}, ended_ms=1) is None
    assert set(metering.channels) == {*CURRENTS, *VOLTAGES}
