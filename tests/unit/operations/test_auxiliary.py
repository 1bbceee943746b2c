"""Free lines of the board, on the simulated circuit."""

import time

import pytest
from scenarios.street import SIM_BOARD

from evsed.errors import RejectedError
from evsed.hardware.simulator.circuit import Circuit
from evsed.hardware.simulator.hat import simulated_hat
from evsed.operations.auxiliary import Auxiliary

AUX = SIM_BOARD.aux


@pytest.fixture
def circuit():
    return Circuit(SIM_BOARD)


@pytest.fixture
def aux(circuit, monkeypatch):
    monkeypatch.setattr("evsed.operations.auxiliary._FRESH_S", -1)
    return Auxiliary(simulated_hat(circuit).aux)


async def test_an_input_reads_what_the_circuit_has(circuit, aux):
    name = AUX.inputs[0].name
    for on in (True, False):
        circuit.set({"aux": {name: on}})
        assert await aux.read(name) is on


async def test_an_analog_input_reads_in_millivolts(circuit, aux):
    name = AUX.analog_inputs[0].name
    circuit.set({"aux": {name: 1200.0}})
    circuit.advance_to_us(circuit.now_us + 100_000)
    assert await aux.analog_mv(name) == pytest.approx(1200, abs=20)


async def test_an_output_drives_its_pin(circuit, aux):
    line = AUX.outputs[0]
    for on in (True, False):
        await aux.write(line.name, on=on)
        assert circuit.get()["pins"][str(line.gpio)] == int(on != line.active_low)


async def test_unknown_names_are_refused(aux):
    for work in (aux.read("x"), aux.analog_mv("x"), aux.write("x", on=True)):
        with pytest.raises(RejectedError, match="there are"):
            await work


async def test_without_a_hat_everything_is_refused():
    with pytest.raises(RejectedError, match="no hat"):
        await Auxiliary(None).read("x")


async def test_devices_are_not_asked_more_often_than_scripts_can_notice(monkeypatch):
    monkeypatch.setattr("evsed.operations.auxiliary._FRESH_S", 0.05)
    asked = []

    class Lines:
        def inputs(self):
            asked.append("inputs")
            return {"IN": len(asked) % 2 == 1, "OTHER": False}

        def analog_mv(self):
            asked.append("analog")
            return {"AIN": 5}

    aux = Auxiliary(Lines())
    give_up = time.monotonic() + 20
    while not await aux.read("IN") or asked.count("inputs") < 3:
        assert await aux.analog_mv("AIN") == 5
        assert time.monotonic() < give_up
    elapsed_s = time.monotonic() - give_up + 20
    assert asked.count("inputs") <= elapsed_s / 0.05 + 1
    assert asked.count("analog") <= elapsed_s / 0.05 + 1
    assert await aux.read("OTHER") is False
