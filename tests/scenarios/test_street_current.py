"""What a vehicle reads from the wire: scenario 14 of charging.md section 19."""

from dataclasses import replace

import pytest

from evsed.charging.commands import SetChargingCurrent
from evsed.charging.pilot import duty_ppm
from scenarios.street import SIM_BOARD, Street, quick_board

#: Between these a duty of 85 % offers 51 A: one step less would be read by the other formula.
PLATEAU = range(511, 526)


def full_power() -> Street:
    """Return a station of 63 A with a vehicle plugged in."""
    return Street(quick_board(), max_charging_current_a=63, default_charging_current_da=630).start()


def test_a_vehicle_decodes_every_set_point_to_a_hundredth_and_never_more() -> None:
    street = full_power()
    street.vehicle.plug_in()
    street.until(state="B2")
    read = {}
    for asked_da in range(630, 59, -1):
        street.send(SetChargingCurrent(asked_da))
        read[asked_da] = street.pilot["offeredCurrent"]
    assert len(read) == 571
    for asked_da, offered_a in read.items():
        ideal_a = 51.0 if asked_da in PLATEAU else asked_da / 10
        assert ideal_a - 0.01 <= offered_a <= ideal_a + 1e-9, asked_da
        assert offered_a <= asked_da / 10
    assert list(read.values()) == sorted(read.values(), reverse=True)


def test_every_duty_is_less_than_a_hundredth_of_a_percent_below_the_ideal() -> None:
    duties = [duty_ppm(asked_da) for asked_da in range(60, 631)]
    assert duties == sorted(duties)
    for asked_da, ppm in zip(range(60, 631), duties, strict=True):
        ideal = asked_da / 6 * 10_000 if asked_da <= 510 else asked_da * 400 + 640_000
        if asked_da in PLATEAU:
            ideal = 850_000
        assert 0 <= ideal - ppm < 100


@pytest.mark.parametrize(
    ("asked_da", "ppm"),
    [(60, 100_000), (100, 166_666), (135, 225_000), (160, 266_666), (320, 533_333), (630, 892_000)],
)
def test_known_duties_are_on_the_wire(asked_da: int, ppm: int) -> None:
    street = full_power().send(SetChargingCurrent(asked_da))
    street.vehicle.plug_in()
    street.until(state="B2")
    assert street.pilot["dutyPpm"] == ppm


@pytest.mark.parametrize("ceiling", ["board", "setting", "cable", "set-point"])
def test_the_lowest_ceiling_decides(ceiling: str) -> None:
    amperes = {name: 25 if name == ceiling else 40 for name in ("board", "setting", "set-point")}
    board = replace(quick_board(), limits=replace(SIM_BOARD.limits, max_current_a=amperes["board"]))
    street = Street(board, max_charging_current_a=amperes["setting"], socket_outlet=True)
    street.set(cable=20 if ceiling == "cable" else 63).start()
    if ceiling != "setting":
        street.send(SetChargingCurrent(amperes["set-point"] * 10))
    street.vehicle.plug_in()
    street.until(state="B2").wait_s(2)
    assert street.pilot["offeredCurrent"] == pytest.approx(20 if ceiling == "cable" else 25)


def test_an_inverting_driver_stage_shows_the_vehicle_the_same() -> None:
    board = replace(quick_board(), pilot=replace(SIM_BOARD.pilot, inverted=True))
    street = Street(board).start()
    assert street.pilot_mode == "high"
    street.charge()
    assert street.pilot["offeredCurrent"] == pytest.approx(32, abs=0.01)
