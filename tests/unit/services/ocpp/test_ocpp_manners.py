"""What a management system, or who certifies a charge point, expects beside the main things."""

import asyncio
import json
from itertools import pairwise

import pytest
from csms_world import ChargerWorld, times
from ocpp.v16 import call as ask16
from ocpp.v201 import call as ask201

from evsed.charging.energy import Energy
from evsed.charging.states import Fault
from evsed.services.ocpp.errands import Errands


async def charging(world):
    world.plug()
    await world.run(2)
    world.station.charge(16)
    await world.run(2)


async def change(world, key, value):
    return (await world.ask(ask16.ChangeConfiguration(key, value))).status


async def read(world, key):
    found = (await world.ask(ask16.GetConfiguration([key]))).configuration_key
    return [(one["key"], one["value"]) for one in found]


def place(component, variable, **more):
    return {"component": {"name": component}, "variable": {"name": variable}} | more


async def test_the_pause_of_an_acceptance_is_that_of_heartbeats_until_it_is_changed(world):
    await world.cut()
    world.ledger.interval = 40
    await world.connect()
    assert await read(world, "HeartbeatInterval") == [("HeartbeatInterval", "40")]
    assert await change(world, "HeartbeatInterval", "10") == "Accepted"
    await world.run(35)
    assert len(world.ledger.of("Heartbeat")) == 3
    await world.cut()
    await world.connect()  # the last word counts
    assert await read(world, "HeartbeatInterval") == [("HeartbeatInterval", "40")]


async def test_keys_are_the_same_however_their_letters_are_written(world):
    assert await change(world, "meterVALUEsampleinterval", "15") == "Accepted"
    assert await read(world, "METERvalueSAMPLEinterval") == [("MeterValueSampleInterval", "15")]


async def test_no_meter_values_when_their_pause_is_zero_and_a_power_cut_ends_near_it(world):
    assert await change(world, "MeterValueSampleInterval", "0") == "Accepted"
    await charging(world)
    await world.run(600, 10)
    assert world.ledger.of("MeterValues") == []
    world.station.restart(boot="boot-2", wall_s=world.station.wall_s + 7200)
    await world.kill()
    await world.connect()
    end = world.ledger.of("StopTransaction")[0]
    assert end["meter_stop"] == pytest.approx(600 * 3680 / 3600, rel=0.11)


async def test_meter_values_of_the_clock_come_at_its_marks_with_their_own_measurands(world):
    await change(world, "MeterValueSampleInterval", "0")
    await change(world, "MeterValuesAlignedData", "Energy.Active.Import.Register,Voltage")
    assert await change(world, "ClockAlignedDataInterval", "900") == "Accepted"
    assert await change(world, "ClockAlignedDataInterval", "3") == "Rejected"
    await world.run(1000, 10)
    [idle] = world.ledger.of("MeterValues")
    assert "transaction_id" not in idle
    await charging(world)
    await world.cut()
    await world.run(1800, 10)
    await world.connect()
    found = world.ledger.of("MeterValues")
    assert [one.get("transaction_id") for one in found] == [None, 1001, 1001]
    stamps = times([one["meter_value"][0] for one in found])
    assert all(at % 900 < 10 for at in stamps)
    assert [b - a for a, b in pairwise(stamps)] == pytest.approx([900, 900], abs=10)
    values = [row for one in found for row in one["meter_value"][0]["sampled_value"]]
    assert {row["context"] for row in values} == {"Sample.Clock"}
    assert {row["measurand"] for row in values} == {"Energy.Active.Import.Register"}  # no voltage
    await change(world, "ClockAlignedDataInterval", "0")
    await world.run(1000, 10)
    assert len(world.ledger.of("MeterValues")) == 3


async def test_what_counts_from_the_next_start_is_said_so(world):
    assert await change(world, "WebSocketPingInterval", "20") == "RebootRequired"
    assert await change(world, "WebSocketPingInterval", "20") == "Accepted"


async def test_a_trigger_of_one_connector_has_that_said_alone(world):
    before = len(world.ledger.of("StatusNotification"))
    asked = ask16.TriggerMessage("StatusNotification", connector_id=1)
    assert (await world.ask(asked)).status == "Accepted"
    await world.run(1)
    told = world.ledger.of("StatusNotification")[before:]
    assert [one["connector_id"] for one in told] == [1]


@pytest.mark.parametrize(
    ("action", "status", "said"),
    [
        ("DiagnosticsStatusNotification", "Uploading", "Uploading"),
        ("DiagnosticsStatusNotification", "Uploaded", "Idle"),
        ("FirmwareStatusNotification", "Downloading", "Downloading"),
        ("FirmwareStatusNotification", "InstallationFailed", "Idle"),
    ],
)
async def test_a_trigger_says_how_far_something_is_and_idle_when_it_is_over(
    world, action, status, said
):
    world.book.set_note(action, status)
    await world.ask(ask16.TriggerMessage(action))
    assert world.ledger.of(action)[-1] == {"status": said}
    Errands(world.folder, world.talk, world.orders.append)  # of the next process
    await world.ask(ask16.TriggerMessage(action))
    assert world.ledger.of(action)[-1] == {"status": "Idle"}


async def test_times_of_statuses_are_those_of_the_system_while_no_clock_is_set(world):
    world.station.clock_set = False
    world.station.wall_s -= 86_400
    right_s = world.station.wall_s + 86_400
    world.ledger.clock = lambda: right_s
    await world.cut()
    await world.connect()
    await world.run(1)
    world.plug()
    await world.run(1)
    [at] = times(world.ledger.of("StatusNotification")[-1:])
    assert at == pytest.approx(right_s, abs=5)


@pytest.mark.parametrize(
    ("version", "code"), [("1.6", "FormationViolation"), ("2.0.1", "FormatViolation")]
)
async def test_errors_are_called_as_each_version_writes_them(tmp_path, version, code):
    world = ChargerWorld(tmp_path, version)
    await world.connect()
    took = []
    other = world.socket.other
    send = world.socket.send

    async def note(text):
        took.append(text)
        await send(text)

    world.socket.send = note
    await other.send('[2, "odd", "Reset", {"type": "Sometimes"}]')
    async with asyncio.timeout(60):
        while not took:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
    assert json.loads(took[0])[:3] == [4, "odd", code]
    await world.cut()
    world.book.close()


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
async def test_nobody_is_told_that_a_connector_is_free_before_it_is_known(tmp_path, version):
    world = ChargerWorld(tmp_path, version)
    await world.connect()
    await charging(world)
    told = len(world.ledger.of("StatusNotification"))
    world.station.fail()
    await world.run(2)
    world.station.heal()
    await world.run(2)
    await charging(world)
    statuses = [
        one.get("status") or one.get("connector_status")
        for one in world.ledger.of("StatusNotification")[told:]
        if one.get("connector_id") == 1
    ]
    assert statuses[0] == "Faulted"
    assert "Available" not in statuses
    await world.cut()
    world.book.close()


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
async def test_who_has_rejected_the_charger_has_nothing_to_say_to_it(tmp_path, version):
    world = ChargerWorld(tmp_path, version)
    world.ledger.boot_status, world.ledger.interval = "Rejected", 20
    await world.connect()
    took, send = [], world.socket.send

    async def note(text):
        took.append(json.loads(text))
        await send(text)

    world.socket.send = note
    await world.socket.other.send('[2, "no", "GetLocalListVersion", {}]')
    world.ledger.boot_status = "Accepted"
    await world.run(20)
    await world.socket.other.send('[2, "yes", "GetLocalListVersion", {}]')
    async with asyncio.timeout(60):
        while not any(one[1] == "yes" for one in took):  # noqa: ASYNC110
            await asyncio.sleep(0.001)
    answers = [one[:3] for one in took if one[1] == "no"]
    assert answers == ([] if version == "1.6" else [[4, "no", "SecurityError"]])
    await world.cut()
    world.book.close()


async def test_a_register_of_a_megawatt_hour_is_a_plain_number(world):
    world.station.energy = Energy(total_mws=999_999_700 * 3600)
    await world.run(2)
    await world.ask(ask16.TriggerMessage("MeterValues"))
    [told] = world.ledger.of("MeterValues")
    [row] = [
        one
        for one in told["meter_value"][0]["sampled_value"]
        if one["measurand"] == "Energy.Active.Import.Register"
    ]
    assert row["value"] == "999999.7"


# --- 2.0.1 ---


async def test_an_event_is_offline_when_nobody_listened_then(new_world):
    world = new_world
    await charging(world)
    await world.cut()
    world.station.pause()
    await world.run(2)
    await world.connect()
    world.station.charge(16)
    await world.run(2)
    events = world.ledger.of("TransactionEvent")
    assert [one["offline"] for one in events] == [False, False, True, False]
    assert [one["seq_no"] for one in events] == list(range(4))


async def test_a_change_of_state_is_called_so_also_when_a_meter_value_is_due(new_world):
    world = new_world
    await charging(world)
    await world.run(56)
    world.station.pause()
    await world.run(1)
    last = world.ledger.of("TransactionEvent")[-1]
    assert last["trigger_reason"] == "ChargingStateChanged"
    assert last["meter_value"]


async def test_why_a_charger_introduces_itself(new_world):
    world = new_world
    await world.ask(ask201.Reset("Immediate"))
    await world.run(1)
    await world.cut()
    await world.connect()
    await world.kill()
    await world.connect()
    await charging(world)
    assert (await world.ask(ask201.Reset("OnIdle"))).status == "Scheduled"
    await world.kill()
    await world.connect()
    await world.kill()
    await world.connect()
    world.station.restart(boot="boot-2")
    await world.kill()
    await world.connect()
    assert [one["reason"] for one in world.ledger.of("BootNotification")] == [
        "PowerUp",
        "Unknown",
        "RemoteReset",
        "ScheduledReset",
        "ApplicationReset",
        "PowerUp",
    ]
    told = [one["type"] for one in world.ledger.of("SecurityEventNotification")]
    assert told == ["StartupOfTheDevice"] * 4


async def test_a_new_password_is_an_event_of_security(new_world):
    asked = [place("SecurityCtrlr", "BasicAuthPassword", attributeValue="0123456789abcdef")]
    await new_world.ask(ask201.SetVariables(asked))
    await new_world.run(1)
    told = [one["type"] for one in new_world.ledger.of("SecurityEventNotification")]
    assert told == ["StartupOfTheDevice", "ReconfigurationOfSecurityParameters"]


async def test_who_knows_no_events_of_security_keeps_no_transaction_waiting(tmp_path):
    world = ChargerWorld(tmp_path, "2.0.1")
    world.ledger.boot_status = "Pending"
    await world.connect()
    del world.csms.route_map["SecurityEventNotification"]
    world.ledger.boot_status, world.ledger.interval = "Accepted", 300
    await world.run(320, 10)
    await charging(world)
    assert world.ledger.of("TransactionEvent")
    assert world.book.waiting() == 0
    await world.cut()
    world.book.close()


async def test_a_transaction_is_measured_when_it_is_asked_for(new_world):
    world = new_world
    asked = ask201.TriggerMessage("TransactionEvent")
    assert (await world.ask(asked)).status == "Rejected"
    await charging(world)
    assert (await world.ask(asked)).status == "Accepted"
    await world.run(1)
    last = world.ledger.of("TransactionEvent")[-1]
    assert (last["event_type"], last["trigger_reason"]) == ("Updated", "Trigger")
    assert last["meter_value"][0]["sampled_value"][0]["context"] == "Trigger"


async def test_the_clock_s_meter_values_are_events_of_a_transaction(new_world):
    world = new_world
    await charging(world)
    asked = [place("AlignedDataCtrlr", "Interval", attributeValue="60")]
    await world.ask(ask201.SetVariables(asked))
    await world.run(125)
    found = [
        one
        for one in world.ledger.of("TransactionEvent")
        if one["trigger_reason"] == "MeterValueClock"
    ]
    assert len(found) == 2
    assert found[0]["meter_value"][0]["sampled_value"][0]["context"] == "Sample.Clock"


async def test_who_was_accepted_does_not_introduce_himself_again(new_world):
    asked = ask201.TriggerMessage("BootNotification")
    assert (await new_world.ask(asked)).status == "Rejected"
    other = ask201.TriggerMessage("StatusNotification", evse={"id": 2})
    assert (await new_world.ask(other)).status == "Rejected"


async def test_variables_have_instances_and_places(new_world):
    timeout = {"component": {"name": "ocppCommCtrlr"}}
    asked = [
        timeout | {"variable": {"name": "messageTimeout", "instance": "Default"}},
        timeout | {"variable": {"name": "MessageTimeout", "instance": "Nonsense"}},
        timeout | {"variable": {"name": "MessageAttempts"}},
        {"component": {"name": "EVSE", "evse": {"id": 1}}, "variable": {"name": "Available"}},
        {"component": {"name": "EVSE", "evse": {"id": 7}}, "variable": {"name": "Available"}},
        place("Connector", "SupplyPhases"),
        place("TxCtrlr", "TxStartPoint"),
    ]
    found = (await new_world.ask(ask201.GetVariables(asked))).get_variable_result
    assert [(one["attribute_status"], one.get("attribute_value")) for one in found] == [
        ("Accepted", "30"),
        ("UnknownVariable", None),
        ("Accepted", "5"),
        ("Accepted", "true"),
        ("UnknownComponent", None),
        ("Accepted", "3"),
        ("Accepted", "PowerPathClosed"),
    ]


@pytest.mark.parametrize(
    ("kind", "asked"), [("ISO15693", True), ("eMAID", True), ("Central", False)]
)
async def test_a_token_keeps_its_kind(new_world, kind, asked):
    world = new_world
    world.authorization_required = True
    token = {"idToken": "04AABBCC", "type": kind}
    assert (await world.ask(ask201.RequestStartTransaction(token, 7))).status == "Accepted"
    await charging(world)
    named = {"id_token": "04AABBCC", "type": kind}
    assert world.ledger.of("Authorize") == ([{"id_token": named}] if asked else [])
    assert world.ledger.of("TransactionEvent")[0]["id_token"] == named


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault.RCM_TRIGGERED, "GroundFault"),
        (Fault.OVERCURRENT, "OvercurrentFault"),
        (Fault.LOCK_FAULT, "Other"),
    ],
)
async def test_a_fault_is_called_by_its_name(new_world, fault, reason):
    await charging(new_world)
    new_world.station.fail(fault)
    await new_world.run(2)
    last = new_world.ledger.of("TransactionEvent")[-1]
    assert last["transaction_info"]["stopped_reason"] == reason


async def test_what_is_known_of_somebody_is_told_and_forgotten(new_world):
    world = new_world
    await world.talk.present("04AABBCC")
    await world.run(70)
    token = {"idToken": "04aabbcc", "type": "ISO14443"}
    asked = ask201.CustomerInformation(5, report=True, clear=True, id_token=token)
    assert (await world.ask(asked)).status == "Accepted"
    assert (await world.ask(asked)).status == "Accepted"
    first, second = world.ledger.of("NotifyCustomerInformation")
    assert first["data"].startswith("cache: ")
    assert (first["request_id"], first["tbc"], second["data"]) == (5, False, "")
    nobody = ask201.CustomerInformation(6, report=True, clear=False)
    assert (await world.ask(nobody)).status == "Invalid"
