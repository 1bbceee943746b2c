"""Scenario 13 of charging.md section 19 on the whole station: anything may happen at any time.

``Street`` checks what must hold after every pass; here is what needs the circuit besides.
"""

import random
from collections.abc import Callable

import pytest

from evsed.charging.commands import (
    Authorize,
    Enable,
    MakeAvailable,
    ResetEnergy,
    SetChargingCurrent,
    SetChargingTimeLimit,
    SetConsumptionLimit,
    SetUnderPowerLimit,
)
from scenarios.street import Street, quick_board

#: a vehicle that asks counts for this long after its last good window
CARRIED_US = 100_000
ASKING = {"charging", "ventilation"}

Dice = random.Random
Action = Callable[[Street, Dice], object]


def plug(street: Street, dice: Dice) -> None:
    street.set(vehicle=dice.choice(["none", "connected", "charging", "charging", "ventilation"]))


def command(street: Street, dice: Dice) -> None:
    street.send(
        dice.choice(
            [
                Enable(True),
                Enable(False),
                Enable(True),
                MakeAvailable(True),
                MakeAvailable(False),
                MakeAvailable(True),
                Authorize(),
                ResetEnergy(),
                SetChargingCurrent(dice.randrange(60, 321)),
                SetConsumptionLimit(dice.choice([0, 0, 50_000])),
                SetChargingTimeLimit(dice.choice([0, 0, 10])),
                SetUnderPowerLimit(dice.choice([0, 0, 3000])),
            ]
        )
    )


def configure(street: Street, dice: Dice) -> None:
    street.change_settings(
        require_auth=dice.random() < 0.2,
        socket_outlet=dice.random() < 0.5,
        rcm=dice.random() < 0.5,
        max_charging_current_a=dice.choice([10, 16, 32, 63]),
    )


def one_of(**choices: list[object]) -> Action:
    def act(street: Street, dice: Dice) -> None:
        street.set(**{key: dice.choice(values) for key, values in choices.items()})

    return act


ACTIONS: list[tuple[int, Action]] = [
    (12, plug),
    (6, command),
    (2, configure),
    (1, one_of(vehicle=["short"])),
    (2, one_of(diode=[True, True, False])),
    (2, one_of(rcm=[True, False, False])),
    (1, one_of(rcmTestOk=[True, True, False])),
    (1, one_of(temperature=[25.0, 55.0, 70.0])),
    (1, one_of(tempFault=[True, False, False])),
    (1, one_of(lockJam=[True, False, False])),
    (2, one_of(cable=[0, -1, 13, 20, 32, 63])),
    (2, one_of(reaction=[-1, 0, 1500])),
    (1, one_of(noise=[0, 5, 60])),
    (1, one_of(contactorStuck=[True, False, False])),
    (1, one_of(pwmDead=[True, False, False])),
    (1, one_of(adcDead=[True, False, False])),
    (1, one_of(mains=[True, True, False])),
]
HEALTHY = {
    "diode": True,
    "rcm": False,
    "rcmTestOk": True,
    "temperature": 25.0,
    "tempFault": False,
    "lockJam": False,
    "cable": 32,
    "contactorStuck": False,
    "pwmDead": False,
    "adcDead": False,
    "mains": True,
    "noise": 5,
    "vehicle": "none",
}


class Witness:
    """Looks at the wires, not at the rules, whenever time has passed."""

    def __init__(self, street: Street) -> None:
        self.street = street
        self.asked_us = 0
        self.energy_ws = 0
        self.session = False

    def look(self) -> None:
        street, now = self.street, self.street.now
        circuit = street.circuit
        if circuit.vehicle.s2 and circuit.vehicle.diode:
            self.asked_us = circuit.now_us
        commanded = bool(circuit.read_pin(17))
        if commanded:
            assert circuit.now_us - self.asked_us <= CARRIED_US, now
            assert street.pilot_mode != "low", now
        if circuit.contactor.closed[0] and street.evse.socket_outlet and now.locked is not None:
            unlocking = circuit.read_pin(21) and not circuit.read_pin(20)
            assert not unlocking, now
        if now.session and self.session:
            assert now.session_energy_ws >= self.energy_ws
        self.energy_ws, self.session = now.session_energy_ws, now.session


def live_through(seed: int, actions: int) -> Street:
    dice = random.Random(seed)  # noqa: S311 - stories, no secrets
    street = Street(quick_board()).start()
    witness = Witness(street)
    weights = [weight for weight, _ in ACTIONS]
    for _ in range(actions):
        dice.choices(ACTIONS, weights)[0][1](street, dice)
        for _ in range(dice.choice([1, 1, 5, 50, 150])):
            street.wait_ms(dice.choice([3, 20, 20]))
            witness.look()
        if street.now.faults:
            street.set(**HEALTHY).doze_s(dice.choice([1, 30, 61]))
        if not street.now.available and dice.random() < 0.3:
            street.send(MakeAvailable(True))
    return street


@pytest.mark.parametrize("seed", range(6))
def test_whatever_happens_what_must_hold_holds(seed: int) -> None:
    street = live_through(seed, 60)
    assert len(set(street.path)) >= 4, "nothing has happened"


@pytest.mark.parametrize("seed", range(4))
def test_whatever_has_happened_a_healthy_car_can_charge_afterwards(seed: int) -> None:
    street = live_through(100 + seed, 25)
    street.set(**HEALTHY)
    street.send(MakeAvailable(False)).wait_s(7).send(MakeAvailable(True)).send(Enable(True))
    for limit in (SetConsumptionLimit, SetChargingTimeLimit, SetUnderPowerLimit):
        street.send(limit(0))
    street.change_settings(require_auth=False, socket_outlet=False, rcm=False)
    street.doze_s(125)
    street.until(state="A", within_ms=65_000).charge()
