"""The alphabets: small ones that end, each about one subject, and wide ones for a longer run."""

from collections.abc import Iterable
from dataclasses import replace

from evsed.charging.commands import (
    ApplyRules,
    Authorize,
    ClearLimit,
    Enable,
    LapseLimits,
    MakeAvailable,
    RenewLimit,
    SetChargingCurrent,
    SetConsumptionLimit,
    SetLimit,
    SetUnderPowerLimit,
    ShutDown,
)
from evsed.charging.limits import SessionFigures
from evsed.charging.rules import Rules
from evsed.charging.states import LockStatus, SelfTest

from .explorer import Letter, Story

BARE = Rules(contactor_rest_ms=3000, ventilation=True)
CARS = ("12", "9", "6", "3")
BAD = ("0", "!", "9x", "6x")
ON_OFF = (Enable(on=False), Enable(on=True), MakeAvailable(on=False), MakeAvailable(on=True))


def held(kinds: Iterable[str], *steps_ms: int, **more: object) -> tuple[Letter, ...]:
    """Return letters with two equal windows each, at every step of time."""
    extra = tuple(more.items())
    return tuple(
        Letter(windows=(kind, kind), after_ms=ms, more=extra) for kind in kinds for ms in steps_ms
    )


def ordered(kind: str, *commands: object) -> tuple[Letter, ...]:
    """Return letters with a command each."""
    return tuple(Letter(windows=(kind, kind), command=command) for command in commands)


MIXED = tuple(
    Letter(windows=pair) for pair in (("6", "9"), ("9", "6"), ("6x", "6"), ("6", "6x"), ("!", "6"))
)
SILENT = (Letter(windows=()), Letter(windows=(), after_ms=120), Letter(windows=(), after_ms=1020))

VEHICLE = Story(
    name="vehicle",
    rules=BARE,
    letters=(
        *held(CARS, 20, 320, 6000),
        *held(("0", "!", "6x"), 20, 320, 60_000),
        Letter(windows=("6", "9")),
        Letter(windows=("9", "6")),
        Letter(windows=(), after_ms=120),
        *ordered("6", Enable(on=False), Enable(on=True)),
    ),
)
SERVICE = Story(
    name="service",
    rules=replace(BARE, contactor_rest_ms=0, ventilation=False),
    letters=(
        *held(("12", "9", "6", "3"), 20, 320, 6000),
        *ordered("6", *ON_OFF),
        *ordered("12", MakeAvailable(on=False), MakeAvailable(on=True), ShutDown()),
        *held(("6x",), 20, 320),
    ),
)
TRIPS = Story(
    name="trips",
    rules=replace(BARE, rcm=True, contactor_rest_ms=0),
    letters=(
        *held(("12", "9", "6"), 20, 320, 60_000, rcm_test=SelfTest.PASSED),
        *held(("9", "6"), 20, rcm_test=SelfTest.RUNNING),
        *held(("9",), 20, rcm_test=SelfTest.FAILED),
        *held(("9", "6"), 20, rcm_test=SelfTest.PASSED, rcm_active=True),
        *held(("9", "12"), 60_000, rcm_test=SelfTest.RUNNING, rcm_active=True),
        *ordered("9", MakeAvailable(on=False), MakeAvailable(on=True)),
    ),
)
CONTACTS = Story(
    name="contacts",
    rules=replace(BARE, feedback_fitted=True),
    letters=(
        *held(("12", "9", "6"), 20, 320, 60_000),
        *(
            Letter(windows=("6", "6"), after_ms=ms, feedback=said)
            for ms in (20, 520)
            for said in (True, False)
        ),
        Letter(windows=("6", "6"), more=(("emergency_stop", True),)),
        Letter(windows=("6", "6"), more=(("controller_failed", True),)),
        *ordered("6", Enable(on=False), Enable(on=True)),
        *ordered("12", MakeAvailable(on=False), MakeAvailable(on=True)),
    ),
)
HEAT = Story(
    name="heat",
    rules=replace(
        BARE,
        temperature_sensor=True,
        thermal_derating=True,
        max_charging_current_a=7,
        contactor_rest_ms=0,
    ),
    letters=(
        *held(("12", "9", "6"), 320, temperature_high_cdeg=2500),
        *held(("6",), 1000, temperature_high_cdeg=2500),
        *held(("6",), 1000, temperature_high_cdeg=5500),
        *held(("9",), 20, temperature_high_cdeg=6000),
        *held(("6",), 20, temperature_high_cdeg=6001),
        *held(("6",), 20, temperature_fault=True),
        *ordered("6", SetChargingCurrent(60), SetChargingCurrent(70)),
    ),
)
OUTLET_RULES = replace(
    BARE, socket_outlet=True, lock_fitted=True, proximity_fitted=True, contactor_rest_ms=0
)
IDLE, MOVING = LockStatus.IDLE, LockStatus.OPERATING
OUTLET = Story(
    name="outlet",
    rules=OUTLET_RULES,
    letters=(
        *held(("12", "9", "6"), 20, 320, proximity=595, lock_status=IDLE, lock_position=True),
        *held(("9",), 20, proximity=1980, lock_status=IDLE, lock_position=True),
        *held(("9",), 20, proximity=0, lock_status=IDLE, lock_position=True),
        *held(("12", "6"), 20, proximity=595, lock_status=MOVING, lock_position=False),
        *held(("6",), 20, proximity=595, lock_status=IDLE, lock_position=False),
        *held(("9",), 20, proximity=595, lock_status=LockStatus.LOCKING_FAIL),
        *held(("12",), 20, proximity=595, lock_status=LockStatus.UNLOCKING_FAIL),
        *ordered("12", MakeAvailable(on=False), MakeAvailable(on=True)),
    ),
)
PERMISSION = Story(
    name="permission",
    rules=replace(BARE, require_auth=True, contactor_rest_ms=0),
    letters=(
        *held(("12", "9", "6"), 20, 320, 60_000, recorded=SessionFigures(power_w=7000)),
        *held(("6",), 20, 60_000, recorded=SessionFigures(energy_ws=100, power_w=50)),
        *held(("0",), 320),
        *ordered("9", Authorize(), SetConsumptionLimit(100), SetConsumptionLimit(0)),
        *ordered("6", SetUnderPowerLimit(100), Enable(on=False), Enable(on=True)),
    ),
)
SLEEPER = Story(
    name="sleeper",
    rules=replace(BARE, wake_up_after_s=30, contactor_rest_ms=0),
    letters=(
        *held(("12", "9", "6"), 20, 320, 1000, 4000, 30_000),
        *held(("6x",), 20, 320),
        *ordered("9", *ON_OFF),
    ),
)
GUARD = SetLimit(owner="guard", current_da=100, lease_ms=6000, fallback_da=60)
OWNERS = Story(
    name="owners",
    rules=replace(BARE, contactor_rest_ms=0),
    letters=(
        *held(("12", "9", "6"), 20, 320, 6000),
        *ordered("6", GUARD, RenewLimit("guard"), LapseLimits(("guard",)), ClearLimit("guard")),
        *ordered(
            "6",
            SetLimit(owner="sun", current_da=0, lease_ms=6000),
            SetLimit(owner="sun", lease_ms=6000, fallback_da=0),
            ClearLimit("sun"),
        ),
        *ordered("9", SetChargingCurrent(80), SetChargingCurrent(320)),
    ),
)
SMALL = (VEHICLE, SERVICE, TRIPS, CONTACTS, HEAT, OUTLET, PERMISSION, SLEEPER, OWNERS)


def _wide(story: Story, *letters: Letter) -> Story:
    return replace(story, name=f"{story.name}, wide", letters=(*story.letters, *letters))


FULL = (
    _wide(
        VEHICLE,
        *MIXED,
        *SILENT,
        *held(BAD, 20, 120),
        *held(CARS, 120, 3000),
        *ordered("6", *ON_OFF),
    ),
    _wide(SERVICE, *held(BAD, 320, 60_000), *SILENT, *ordered("9", *ON_OFF)),
    _wide(
        TRIPS,
        *held(("0", "6x"), 320, 60_000, rcm_test=SelfTest.PASSED),
        *ordered("6", *ON_OFF, ApplyRules(BARE), ApplyRules(TRIPS.rules)),
    ),
    _wide(
        CONTACTS,
        *held(("0", "6x", "3"), 20, 320, 60_000),
        *(
            Letter(windows=("9", "9"), after_ms=ms, feedback=said)
            for ms in (20, 310, 520)
            for said in (True, False)
        ),
        *SILENT,
    ),
    _wide(
        OUTLET,
        *held(("9", "6"), 20, proximity=200, lock_status=IDLE, lock_position=True),
        *held(("6",), 20, proximity=1980, lock_status=IDLE, lock_position=True),
        *ordered(
            "6", Enable(on=False), Enable(on=True), ApplyRules(BARE), ApplyRules(OUTLET_RULES)
        ),
    ),
)
