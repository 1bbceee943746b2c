"""What a management system of 2.0.1 may ask for, asked by the ``ocpp`` library's own side."""

import pytest
from ocpp.v201 import call

from evsed.services.ocpp.variables import BY_PLACE


@pytest.fixture
def world(new_world):
    return new_world


def profile(limit=10.0, number=1, purpose="TxDefaultProfile", **more):
    return {
        "id": number,
        "stackLevel": 0,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": "Relative",
        "chargingSchedule": [
            {
                "id": 1,
                "chargingRateUnit": "A",
                "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit}],
            }
        ],
    } | more


def token(text="04AABBCC"):
    return {"idToken": text, "type": "ISO14443"}


async def charging(world):
    world.plug()
    await world.run(2)
    world.station.charge(16)
    await world.run(2)
    return world.point.running.id


def place(component, variable):
    return {"component": {"name": component}, "variable": {"name": variable}}


async def test_a_transaction_begins_goes_on_and_ends_with_numbers_without_a_gap(world):
    await charging(world)
    await world.run(125)
    world.station.pause()
    await world.run(2)
    world.station.unplug()
    await world.run(2)
    events = world.ledger.of("TransactionEvent")
    assert [one["event_type"] for one in events] == ["Started", *["Updated"] * 4, "Ended"]
    assert [one["seq_no"] for one in events] == list(range(6))
    assert len({one["transaction_info"]["transaction_id"] for one in events}) == 1
    assert [one["trigger_reason"] for one in events] == [
        "Authorized",
        "ChargingStateChanged",
        "MeterValuePeriodic",
        "MeterValuePeriodic",
        "ChargingStateChanged",
        "EVCommunicationLost",
    ]


async def test_an_outage_is_told_of_afterwards(world):
    await world.cut()
    await world.run(130)
    await charging(world)
    world.station.unplug()
    await world.run(2)
    await world.connect()
    events = world.ledger.of("TransactionEvent")
    assert [one["event_type"] for one in events] == ["Started", "Updated", "Ended"]
    assert all(one["offline"] for one in events)


async def test_start_and_stop_from_afar(world):
    world.authorization_required = True
    world.plug()
    await world.run(2)
    asked = call.RequestStartTransaction(
        token(), 42, 1, charging_profile=profile(9, 1, "TxProfile")
    )
    assert (await world.ask(asked)).status == "Accepted"
    await world.run(2)
    begun = world.ledger.of("TransactionEvent")[0]
    assert begun["transaction_info"]["remote_start_id"] == 42
    assert begun["trigger_reason"] == "RemoteStart"
    assert world.limit == (90, 90)
    name = begun["transaction_info"]["transaction_id"]
    assert (await world.ask(call.RequestStopTransaction("nonsense"))).status == "Rejected"
    assert (await world.ask(call.RequestStopTransaction(name))).status == "Accepted"
    await world.run(2)
    assert world.ledger.of("TransactionEvent")[-1]["transaction_info"]["stopped_reason"] == "Remote"
    status = await world.ask(call.GetTransactionStatus(name))
    assert (status.ongoing_indicator, status.messages_in_queue) == (False, False)


async def test_variables_are_read_changed_and_refused(world):
    asked = [
        place("SampledDataCtrlr", "TxUpdatedInterval"),
        place("SampledDataCtrlr", "Nonsense"),
        place("Nonsense", "Nonsense"),
        place("SecurityCtrlr", "BasicAuthPassword"),
        place("EVSE", "AvailabilityState"),
        place("SampledDataCtrlr", "TxUpdatedInterval") | {"attributeType": "Target"},
    ]
    found = (await world.ask(call.GetVariables(asked))).get_variable_result
    assert [(one["attribute_status"], one.get("attribute_value")) for one in found] == [
        ("Accepted", "60"),
        ("UnknownVariable", None),
        ("UnknownComponent", None),
        ("Rejected", None),
        ("Accepted", "Available"),
        ("NotSupportedAttributeType", None),
    ]
    written = [
        place("SampledDataCtrlr", "TxUpdatedInterval") | {"attributeValue": "15"},
        place("SampledDataCtrlr", "TxUpdatedInterval") | {"attributeValue": "3"},
        place("SmartChargingCtrlr", "RateUnit") | {"attributeValue": "A"},
        place("SecurityCtrlr", "BasicAuthPassword") | {"attributeValue": "0123456789abcdef"},
    ]
    done = (await world.ask(call.SetVariables(written))).set_variable_result
    assert [one["attribute_status"] for one in done] == [
        "Accepted",
        "Rejected",
        "Rejected",
        "Accepted",
    ]
    assert world.orders == [{"t": "password", "value": "0123456789abcdef"}]


async def test_the_report_names_every_variable_in_parts(world):
    assert (await world.ask(call.GetBaseReport(7, "FullInventory"))).status == "Accepted"
    parts = world.ledger.of("NotifyReport")
    assert [one["seq_no"] for one in parts] == list(range(len(parts)))
    assert [one["tbc"] for one in parts] == [True] * (len(parts) - 1) + [False]
    named = {
        (row["component"]["name"], row["variable"]["name"], row["variable"].get("instance", ""))
        for one in parts
        for row in one["report_data"]
    }
    assert named == set(BY_PLACE)


async def test_profiles_are_followed_reported_and_cleared(world):
    wide = profile(12, 1, "ChargingStationMaxProfile", chargingProfileKind="Absolute")
    assert (await world.ask(call.SetChargingProfile(0, wide))).status == "Accepted"
    assert (await world.ask(call.SetChargingProfile(1, profile(8, 2)))).status == "Accepted"
    foreign = profile(8, 3, "ChargingStationExternalConstraints")
    assert (await world.ask(call.SetChargingProfile(0, foreign))).status == "Rejected"
    assert world.limit == (80, 80)
    name = await charging(world)
    own = profile(10, 4, "TxProfile", transactionId=name)
    assert (await world.ask(call.SetChargingProfile(1, own))).status == "Accepted"
    assert world.limit == (100, 100)
    asked = call.GetChargingProfiles(9, {"chargingProfilePurpose": "TxProfile"})
    assert (await world.ask(asked)).status == "Accepted"
    [told] = world.ledger.of("ReportChargingProfiles")
    assert told["charging_profile"][0]["transaction_id"] == name
    plan = await world.ask(call.GetCompositeSchedule(600, 1))
    assert [dict(one) for one in plan.schedule["charging_schedule_period"]] == [
        {"start_period": 0, "limit": 10, "number_phases": 3}
    ]
    cleared = call.ClearChargingProfile(charging_profile_criteria={"evseId": 1})
    assert (await world.ask(cleared)).status == "Accepted"
    assert world.limit == (120, 120)
    cleared = call.ClearChargingProfile(charging_profile_criteria={"stackLevel": 0})
    assert (await world.ask(cleared)).status == "Accepted"
    assert world.limit == (None, None)
    assert (await world.ask(asked)).status == "NoProfiles"


async def test_in_and_out_of_service_and_resets(world):
    assert (await world.ask(call.Reset("OnIdle"))).status == "Accepted"
    await world.run(1)
    assert world.orders.pop() == {"t": "restart"}
    await charging(world)
    assert (await world.ask(call.Reset("OnIdle"))).status == "Scheduled"
    assert (await world.ask(call.ChangeAvailability("Inoperative"))).status == "Scheduled"
    await world.run(3)
    assert world.orders == []
    world.station.unplug()
    await world.run(3)
    assert world.orders == [{"t": "restart"}, {"t": "available", "on": False}] or (
        {"t": "restart"} in world.orders and {"t": "available", "on": False} in world.orders
    )
    assert world.ledger.of("StatusNotification")[-1]["connector_status"] == "Unavailable"


async def test_what_cannot_be_done_is_said_so(world):
    connection = {
        "ocppVersion": "OCPP20",
        "ocppTransport": "JSON",
        "ocppCsmsUrl": "ws://elsewhere",
        "messageTimeout": 30,
        "securityProfile": 1,
        "ocppInterface": "Wired0",
    }
    asked = call.SetNetworkProfile(1, connection)
    assert (await world.ask(asked)).status == "Rejected"
    assert (await world.ask(call.UnlockConnector(1, 1))).status == "UnlockFailed"
    assert (await world.ask(call.UnlockConnector(2, 1))).status == "UnknownConnector"
    assert (await world.ask(call.DataTransfer("somebody"))).status == "UnknownVendorId"
    log = call.GetLog({"remoteLocation": "ftp://example.org/"}, "DiagnosticsLog", 3)
    assert (await world.ask(log)).status == "Rejected"
    firmware = {"location": "ftp://example.org/x.deb", "retrieveDateTime": "2026-03-02T08:00:00Z"}
    assert (await world.ask(call.UpdateFirmware(4, firmware))).status == "Rejected"
    await world.run(1)
    assert world.ledger.of("FirmwareStatusNotification") == []


async def test_lists_and_cache(world):
    entry = {"idToken": token("GOOD"), "idTokenInfo": {"status": "Accepted"}}
    assert (await world.ask(call.SendLocalList(3, "Full", [entry]))).status == "Accepted"
    assert (await world.ask(call.GetLocalListVersion())).version_number == 3
    assert (await world.ask(call.ClearCache())).status == "Accepted"
    await world.cut()
    assert await world.talk.present("GOOD") == "Accepted"


@pytest.mark.parametrize(
    ("wanted", "action"),
    [
        ("Heartbeat", "Heartbeat"),
        ("StatusNotification", "StatusNotification"),
        ("MeterValues", "MeterValues"),
        ("FirmwareStatusNotification", "FirmwareStatusNotification"),
    ],
)
async def test_a_trigger_has_it_said(world, wanted, action):
    before = len(world.ledger.of(action))
    assert (await world.ask(call.TriggerMessage(wanted))).status == "Accepted"
    await world.run(2)
    assert len(world.ledger.of(action)) > before


async def test_profiles_are_for_places_that_can_have_them(world):
    name = await charging(world)
    for purpose, places in (
        ("ChargingStationMaxProfile", {0}),
        ("TxDefaultProfile", {0, 1}),
        ("TxProfile", {1}),
    ):
        sent = profile(purpose=purpose, chargingProfileKind="Absolute", transactionId=name)
        for place_of in range(3):
            answer = await world.ask(call.SetChargingProfile(place_of, sent))
            assert answer.status == ("Accepted" if place_of in places else "Rejected"), purpose
