"""Over-current, derating, and how fast an offer rises."""

from dataclasses import replace

import pytest
from charging_rig import NO_REST, Rig

from evsed.charging.commands import ApplyRules, Enable, SetChargingCurrent
from evsed.charging.energy import Measured
from evsed.charging.protections import Derating, derate
from evsed.charging.states import Fault, MeterMode

METERED = replace(NO_REST, meter_mode=MeterMode.CURRENT)
WARM = replace(NO_REST, temperature_sensor=True, thermal_derating=True)


def drawing(current_a: float) -> dict[str, Measured]:
    return {"measured": Measured(currents_a=(0.0, current_a, 0.0))}


@pytest.mark.parametrize(
    ("current_a", "limit_ms"), [(35.7, None), (35.8, 7000), (48.0, 7000), (48.1, 1000)]
)
def test_too_much_current_trips_after_its_time(current_a: float, limit_ms: int | None) -> None:
    rig = Rig(METERED)
    rig.charge()
    passes = [rig.one_pass(**drawing(current_a)).faults for _ in range(500)]

    if limit_ms is None:
        assert set(passes) == {Fault.NONE}
    else:
        assert passes.index(Fault.OVERCURRENT) == limit_ms // 20


def test_too_much_current_is_forgotten_when_it_stops() -> None:
    rig = Rig(METERED)
    rig.charge()
    for _ in range(3):
        rig.run(6000, **drawing(40.0))
        rig.run(40, **drawing(30.0))

    assert rig.faults == 0


def test_a_vehicle_has_7_s_to_follow_a_lower_offer() -> None:
    rig = Rig(METERED)
    rig.charge()
    rig.run(1000, **drawing(32.0))
    rig.send(SetChargingCurrent(60))

    rig.run(6000, **drawing(32.0))
    assert rig.faults == 0
    rig.run(1060, **drawing(32.0))
    assert rig.snapshot.faults is Fault.OVERCURRENT


def test_over_current_clears_by_itself_three_times() -> None:
    rig = Rig(METERED)
    rig.charge()
    rig.run(7020, **drawing(40.0))

    assert rig.state == "E"
    assert rig.run(62_000).contactor_closed


def test_an_offer_falls_at_once_and_rises_once_a_second(rig: Rig) -> None:
    rig.charge()
    rig.run(1000)
    for current_da, wait_ms, offered_da in [
        (100, 20, 100),
        (160, 20, 160),
        (200, 980, 160),
        (200, 20, 200),
        (190, 20, 190),
    ]:
        rig.send(SetChargingCurrent(current_da))
        rig.run(wait_ms)
        assert rig.snapshot.offered_da == offered_da


def test_a_new_offer_starts_at_what_is_permitted_now(rig: Rig) -> None:
    rig.charge()
    for on in (False, True):
        rig.send(Enable(on=on))
        rig.send(SetChargingCurrent(320 if on else 60))
        rig.run(40)

    assert rig.snapshot.offered_da == 320


def test_heat_lowers_the_offer_by_1_a_in_10_s_down_to_6_a_at_the_threshold() -> None:
    rig = Rig(WARM)
    rig.given["temperature_high_cdeg"] = 5500
    rig.charge()
    rig.run(10_000)
    assert 300 <= rig.snapshot.offered_da <= 310

    rig.run(120_000)
    assert rig.snapshot.offered_da == 190
    rig.given["temperature_high_cdeg"] = 6000
    rig.run(140_000)
    assert (rig.snapshot.offered_da, rig.closed) == (60, True)


def test_an_offer_that_the_temperature_permits_stays() -> None:
    reached = Derating(limit_da=190, moved_ms=0)

    assert derate(reached, WARM, 5500, 60_000) == reached


def test_an_offer_comes_back_with_the_cold() -> None:
    rig = Rig(WARM, charging_current_da=320)
    rig.given["temperature_high_cdeg"] = 5900
    rig.charge()
    rig.run(20_000)
    lowered_da = rig.snapshot.offered_da
    rig.given["temperature_high_cdeg"] = 4000
    rig.run(5000)

    assert lowered_da < rig.snapshot.offered_da <= lowered_da + 6
    rig.run(30_000)
    assert rig.snapshot.offered_da == 320
    assert rig.memory.derating.limit_da is None
    rig.given["temperature_high_cdeg"] = 5900
    assert 300 <= rig.run(10_000).offered_da < 320


def test_without_derating_or_a_reading_nothing_is_lowered() -> None:
    lowered = Derating(limit_da=200, moved_ms=0)

    assert derate(lowered, NO_REST, 5900, 50).limit_da is None
    assert derate(lowered, WARM, None, 50).limit_da is None
    none = Derating()
    assert derate(none, WARM, None, 50) is none
    assert derate(none, WARM, 2500, 50) is none


def test_a_lower_maximum_bounds_a_derated_offer() -> None:
    lowered = Derating(limit_da=200, moved_ms=0)
    small = replace(WARM, max_charging_current_a=10)

    assert derate(lowered, small, 5500, 50).limit_da == 100
    assert derate(lowered, small, 2500, 50).limit_da is None


def test_above_the_threshold_charging_stops_until_5_degrees_lower() -> None:
    rig = Rig(WARM)
    rig.charge()
    rig.run(40, temperature_high_cdeg=6001)
    assert rig.snapshot.faults is Fault.TEMPERATURE_HIGH
    rig.run(2000, temperature_high_cdeg=5501)
    assert rig.state == "E"
    rig.run(2000, temperature_high_cdeg=5500)
    assert rig.state == "C2"


def test_a_thermometer_that_fails_stops_charging() -> None:
    rig = Rig(WARM)
    rig.charge()
    rig.run(400, temperature_fault=True)
    assert rig.snapshot.faults is Fault.TEMPERATURE_FAULT
    assert rig.run(1000).contactor_closed


def test_an_error_of_temperature_never_closes_for_a_vehicle_that_has_gone() -> None:
    rig = Rig(WARM)
    rig.charge()
    rig.given["temperature_high_cdeg"] = 7000
    rig.run(400)
    rig.given["temperature_high_cdeg"] = 2000
    rig.pilot_says = ("12", "12")

    assert not any(rig.one_pass().contactor_closed for _ in range(100))
    assert rig.state == "A"
    rig.send(ApplyRules(NO_REST))
    assert rig.run(100, temperature_fault=True).faults is Fault.NONE
