"""Running a trace against the charging rules."""

from typing import Any

import pytest

from evsed.errors import BadFileError
from evsed.station.replay import Difference, replay
from evsed.station.trace import Event, Trace

PLUGGED = Event(t_ms=1000, changes={"vehicle": "connected"})
ASKING = Event(t_ms=2000, changes={"vehicle": "charging"})


def play(*events: Event, settings: dict[str, Any] | None = None, **board: Any) -> Any:
    return replay(
        Trace(
            name="test",
            pass_ms=20,
            board={"ventilation": True, **board},
            settings=settings or {},
            events=events,
        )
    )


def show(key: str, *events: Event, at_ms: int = 60_000, **more: Any) -> Any:
    """Return what a replay shows for one key."""
    (difference,) = play(*events, Event(t_ms=at_ms, expected={key: "?"}), **more).differences
    return difference.got


def command(t_ms: int, *commands: tuple[str, Any]) -> Event:
    return Event(t_ms=t_ms, commands=commands)


def test_every_expectation_counts_and_a_right_one_is_no_difference() -> None:
    verdict = play(
        PLUGGED,
        Event(t_ms=2000, expected={"state": "B2", "offeredCurrent": 32, "locked": None}),
        Event(t_ms=2001, expected={"state": "B2"}),
        Event(t_ms=2010, expected={"session": False}),
    )

    assert (verdict.name, verdict.checked) == ("test", 3)
    assert verdict.differences == (Difference(t_ms=2010, key="session", expected=False, got=True),)


def test_an_input_changes_from_its_moment_on() -> None:
    assert show("state", PLUGGED, at_ms=1000) == "A"
    assert show("state", PLUGGED, at_ms=1500) == "B2"
    assert show("contactor", PLUGGED, ASKING, at_ms=2600) is True


@pytest.mark.parametrize(
    ("vehicle", "state"),
    [
        ("none", "A"),
        ("connected", "B2"),
        ("charging", "C2"),
        ("ventilation", "D2"),
        ("short", "E"),
    ],
)
def test_every_vehicle_is_read_as_it_is(vehicle: str, state: str) -> None:
    assert show("state", Event(t_ms=0, changes={"vehicle": vehicle}), at_ms=2000) == state


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"diode": False}, "diode_short"),
        ({"temp": 61}, "temperature_high"),
        ({"tempFault": True}, "temperature_fault"),
        ({"rcm": True}, "rcm_triggered"),
        ({"lock": "locking_fail"}, "lock_fault"),
    ],
)
def test_every_fault_can_be_told(change: dict[str, Any], fault: str) -> None:
    board = {"temperatureSensor": True, "socketLock": True, "proximity": True, "rcm": True}
    settings = {"socketOutlet": True, "rcm": True}
    events = (PLUGGED, ASKING, Event(t_ms=4000, changes=change))

    assert show("errors", *events, at_ms=5000, settings=settings, **board) == [fault]


def test_a_self_test_that_fails_is_told() -> None:
    broken = Event(t_ms=0, changes={"rcmTestOk": False})

    assert show("errors", broken, PLUGGED, at_ms=2000, settings={"rcm": True}) == [
        "rcm_selftest_fault"
    ]


@pytest.mark.parametrize(
    ("commands", "key", "value"),
    [
        ((("enabled", False),), "state", "C1"),
        ((("available", False),), "state", "F"),
        ((("chargingCurrent", 9.96),), "offeredCurrent", 10.0),
        ((("chargingCurrent", 5.9),), "offeredCurrent", 32.0),
        ((("chargingCurrent", 5.96),), "offeredCurrent", 32.0),
        ((("chargingCurrent", 6.04),), "offeredCurrent", 6.0),
        (
            (("maxChargingCurrent", 16), ("chargingCurrent", 9), ("chargingCurrent", 16.04)),
            "offeredCurrent",
            9.0,
        ),
        ((("maxChargingCurrent", 13),), "offeredCurrent", 13.0),
        ((("maxChargingCurrent", 5),), "offeredCurrent", 32.0),
        ((("temperatureThreshold", 40),), "state", "E"),
        ((("temperatureThreshold", 81),), "state", "C2"),
        ((("consumptionLimit", 1),), "limitReached", True),
        ((("chargingTimeLimit", 10),), "limitReached", True),
        ((("underPowerLimit", 100),), "limitReached", False),
        ((("limit", {"owner": "sun", "current": 12.5}),), "offeredCurrent", 12.5),
        ((("limit", {"owner": "sun", "current": 0}),), "state", "C1"),
        ((("limit", {"owner": "sun", "current": 5}),), "offeredCurrent", 32.0),
        (
            (("limit", {"owner": "sun", "current": 20, "expires": 2, "fallback": 8}),),
            "offeredCurrent",
            8.0,
        ),
        (
            (("limit", {"owner": "sun", "expires": 900, "fallback": 8}), ("lapseLimits", ["sun"])),
            "offeredCurrent",
            8.0,
        ),
        (
            (("limit", {"owner": "sun", "current": 8}), ("clearLimit", "sun")),
            "offeredCurrent",
            32.0,
        ),
    ],
)
def test_commands_do_what_they_say_and_refused_ones_nothing(
    commands: tuple[tuple[str, Any], ...], key: str, value: object
) -> None:
    figures = Event(t_ms=0, changes={"temp": 50, "consumption": 2, "chargingTime": 11})
    events = (figures, PLUGGED, ASKING, command(3000, *commands))

    assert show(key, *events, at_ms=12_000, temperatureSensor=True) == value


def test_a_grant_lets_a_waiting_vehicle_charge() -> None:
    asked = {"settings": {"requireAuth": True}}

    assert show("pendingAuth", PLUGGED, ASKING, at_ms=3000, **asked) is True
    granted = (PLUGGED, ASKING, command(3000, ("authorize", 1)))
    assert show("state", *granted, at_ms=4000, **asked) == "C2"


def test_settings_hold_from_the_start() -> None:
    settings = {"maxChargingCurrent": 16, "chargingCurrent": 10, "requireAuth": False}

    assert show("offeredCurrent", PLUGGED, at_ms=2000, settings=settings) == 10.0


def test_limits_of_others_hold_from_the_start_and_go_on_from_there() -> None:
    waiting = {"owner": "sun", "current": 20, "expires": 60, "fallback": 8, "left": 3.5}
    settings = {"limits": [waiting]}
    assert show("offeredCurrent", PLUGGED, at_ms=3480, settings=settings) == 20.0
    assert show("offeredCurrent", PLUGGED, at_ms=3500, settings=settings) == 8.0
    renewed = command(3000, ("renewLimit", "sun"))
    assert show("offeredCurrent", PLUGGED, renewed, at_ms=3500, settings=settings) == 20.0

    lapsed = {"owner": "modbus", "expires": 60, "fallback": 8, "lapsed": True}
    settings = {"limits": [{**lapsed, "lowersSetPoint": True}]}
    ended = command(3000, ("clearLimit", "modbus"), ("chargingCurrent", 32))
    assert show("offeredCurrent", PLUGGED, at_ms=2900, settings=settings) == 8.0
    assert show("offeredCurrent", PLUGGED, ended, at_ms=5000, settings=settings) == 32.0


@pytest.mark.parametrize(
    ("limits", "complaint"),
    [
        ({}, "limits: a list of objects expected"),
        (["sun"], "a limit is an object, got 'sun'"),
        ([{"current": 6}], "an owner is a text, got None"),
        ([{"owner": "sun", "current": "6"}], "a number expected, got '6'"),
        ([{"owner": "sun", "left": float("inf")}], "a number expected, got inf"),
    ],
)
def test_limits_at_the_start_that_are_none_are_refused(limits: Any, complaint: str) -> None:
    with pytest.raises(BadFileError, match=complaint):
        play(PLUGGED, settings={"limits": limits})


def test_the_cable_limits_the_offer_of_an_outlet() -> None:
    plug = Event(t_ms=1000, changes={"vehicle": "connected", "cable": 13})
    board = {"proximity": True, "socketLock": True}
    settings = {"socketOutlet": True}

    assert show("offeredCurrent", plug, at_ms=2000, settings=settings, **board) == 13.0
    assert show("locked", plug, at_ms=2000, settings=settings, **board) is True


@pytest.mark.parametrize(
    ("event", "complaint"),
    [
        (Event(t_ms=5, changes={"weather": 1}), "set at 5 ms: unknown input weather"),
        (Event(t_ms=5, commands=(("dance", 1),)), "unknown command dance"),
        (Event(t_ms=5, expected={"mood": 1}), "expect at 5 ms: unknown key mood"),
        (Event(t_ms=5, changes={"vehicle": "tank"}), "vehicle: none, connected"),
        (Event(t_ms=5, changes={"vehicle": []}), "vehicle: none, connected"),
        (Event(t_ms=5, changes={"cable": 7}), "cable: 13, 20, 32, 63 expected, got 7"),
        (Event(t_ms=5, changes={"lock": "ajar"}), "lock: idle, operating"),
        (Event(t_ms=5, changes={"temp": float("nan")}), "a number expected, got nan"),
        (Event(t_ms=5, changes={"temp": "hot"}), "a number expected, got 'hot'"),
        (Event(t_ms=5, changes={"temp": True}), "a number expected, got True"),
        (Event(t_ms=5, commands=(("chargingCurrent", "x"),)), "a number expected, got 'x'"),
        (Event(t_ms=5, commands=(("limit", "sun"),)), "a limit is an object, got 'sun'"),
        (Event(t_ms=5, commands=(("lapseLimits", "sun"),)), "a list of owners expected"),
        (Event(t_ms=5, commands=(("clearLimit", 1),)), "an owner is a text, got 1"),
    ],
)
def test_what_a_trace_cannot_say_is_refused(event: Event, complaint: str) -> None:
    with pytest.raises(BadFileError) as refused:
        play(event, Event(t_ms=100, expected={}))

    assert str(refused.value).startswith(complaint)
