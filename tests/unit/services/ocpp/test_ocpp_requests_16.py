"""What a management system of 1.6 may ask for, asked by the ``ocpp`` library's own side."""

import pytest
from csms_world import offline
from ocpp.v16 import call

from evsed.services.ocpp.profiles import MAX_PROFILES
from evsed.services.ocpp.variables import VARIABLES


def profile(limit=10.0, number=1, purpose="TxDefaultProfile", unit="A", **more):
    return {
        "chargingProfileId": number,
        "stackLevel": 0,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": "Relative",
        "chargingSchedule": {
            "chargingRateUnit": unit,
            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit}],
        },
    } | more


async def charging(world):
    world.plug()
    await world.run(2)
    world.station.charge(16)
    await world.run(2)


async def statuses(world, seconds=2):
    await world.run(seconds)
    return [one["status"] for one in world.ledger.of("StatusNotification") if one["connector_id"]]


async def test_the_statuses_of_a_session(world):
    world.authorization_required = True
    world.plug()
    assert (await statuses(world))[-1] == "Preparing"
    assert await world.talk.present("04AABBCC") == "Accepted"
    world.station.charge(16)
    assert (await statuses(world))[-1] == "Charging"
    world.station.pause()
    assert (await statuses(world))[-1] == "SuspendedEVSE"
    world.station.charge(16)
    await world.run(1)
    assert await world.talk.present("ANOTHER") == "ConcurrentTx"
    assert await world.talk.present("04AABBCC") == "Accepted"
    assert (await statuses(world, 5))[-1] == "Finishing"
    assert world.ledger.of("StopTransaction")[0]["reason"] == "Local"
    world.station.unplug()
    assert (await statuses(world))[-1] == "Available"
    world.station.show(available=False)
    assert (await statuses(world))[-1] == "Unavailable"


async def test_a_start_from_afar_asks_whether_the_token_may(world):
    world.authorization_required = True
    world.plug()
    await world.run(2)
    asked = call.RemoteStartTransaction("04AABBCC", 1, profile(8.0, purpose="TxProfile"))
    assert (await world.ask(asked)).status == "Accepted"
    await world.run(2)
    assert world.ledger.of("Authorize") == [{"id_tag": "04AABBCC"}]
    assert world.ledger.of("StartTransaction")[0]["id_tag"] == "04AABBCC"
    assert world.limit == (80, 80)
    assert (await world.ask(asked)).status == "Rejected"  # one runs already
    world.station.unplug()
    await world.run(2)
    assert world.limit == (None, None)  # its profile has gone with it


async def test_a_start_from_afar_of_a_token_that_may_not_begins_nothing(world):
    world.authorization_required = True
    world.ledger.refuses_tokens["STRANGER"] = "Blocked"
    assert (await world.ask(call.RemoteStartTransaction("STRANGER"))).status == "Accepted"
    await world.run(2)
    assert world.orders == []
    assert (await world.ask(call.RemoteStartTransaction("A", 2))).status == "Rejected"
    await world.ask(call.ChangeConfiguration("AuthorizeRemoteTxRequests", "false"))
    await world.ask(call.RemoteStartTransaction("STRANGER"))
    assert world.orders == [{"t": "authorize"}]


async def test_a_stop_from_afar_holds_until_somebody_begins_again(world):
    await charging(world)
    assert (await world.ask(call.RemoteStopTransaction(5))).status == "Rejected"
    assert (await world.ask(call.RemoteStopTransaction(1001))).status == "Accepted"
    await world.run(60)
    assert world.limit == (0, 0)
    assert len(world.ledger.of("StartTransaction")) == 1
    await world.kill()
    assert world.limit == (0, 0)  # the vehicle is still there, and so is the stop
    await world.connect()
    await world.ask(call.RemoteStartTransaction("04AABBCC"))
    await world.run(2)
    assert [one["id_tag"] for one in world.ledger.of("StartTransaction")] == ["EVSED", "04AABBCC"]
    assert world.limit == (None, None)


async def test_a_stop_outlives_a_restart_of_the_charger_until_the_vehicle_has_left(world):
    await charging(world)
    await world.ask(call.RemoteStopTransaction(1001))
    await world.run(10)
    world.station.restart()
    await world.kill()
    assert world.limit == (0, 0)  # before anything is known of a vehicle
    await world.connect()
    await world.run(2)
    await charging(world)
    await world.run(60)
    assert world.limit == (0, 0)
    assert len(world.ledger.of("StartTransaction")) == 1
    assert (await statuses(world))[-1] == "Finishing"
    world.station.unplug()
    await world.run(2)
    assert world.limit == (None, None)
    await charging(world)
    assert len(world.ledger.of("StartTransaction")) == 2


async def test_a_stop_outlives_a_fault(world):
    await charging(world)
    await world.ask(call.RemoteStopTransaction(1001))
    await world.run(10)
    world.station.fail()
    await world.run(2)
    world.station.heal()
    await charging(world)
    await world.run(10)
    assert len(world.ledger.of("StartTransaction")) == 1


async def test_a_stop_that_comes_just_before_the_contactor_closes_wins(world):
    world.plug()
    await world.run(2)
    order, orders = world.point.order, []
    world.point.order = orders.append  # the pass that closes the contactor has begun already
    assert (await world.ask(call.RemoteStopTransaction(1001))).status == "Accepted"
    world.station.charge(16)
    await world.run(5)
    world.point.order = order
    order(orders[0])
    assert world.limit == (0, 0)
    await world.run(60)
    [end] = world.ledger.of("StopTransaction")
    assert end["reason"] == "Remote"
    assert end["meter_stop"] * 3600 == pytest.approx(world.station.given_mws / 1000, abs=3600)
    assert end["meter_stop"] > 0
    assert len(world.ledger.of("StartTransaction")) == 1


async def test_who_is_found_invalid_when_he_has_begun_is_stopped(world):
    world.ledger.refuses_tokens["EVSED"] = "Invalid"
    await charging(world)
    await world.run(5)
    assert world.ledger.of("StopTransaction")[0]["reason"] == "DeAuthorized"
    assert world.limit == (0, 0)
    world.station.unplug()
    await world.run(2)
    await world.ask(call.ChangeConfiguration("StopTransactionOnInvalidId", "false"))
    await charging(world)
    await world.run(5)
    assert len(world.ledger.of("StopTransaction")) == 1


async def test_availability_waits_for_the_transaction_and_outlives_a_restart(world):
    assert (await world.ask(call.ChangeAvailability(2, "Inoperative"))).status == "Rejected"
    await charging(world)
    assert (await world.ask(call.ChangeAvailability(0, "Inoperative"))).status == "Scheduled"
    await world.run(5)
    assert world.station.snapshot.available
    world.station.unplug()
    await world.run(3)
    assert not world.station.snapshot.available
    world.station.restart()
    await world.kill()
    await world.run(2)
    world.station.show(available=True)  # the charger starts so
    await world.kill()
    assert world.orders[-1] == {"t": "available", "on": False}
    await world.connect()
    assert (await world.ask(call.ChangeAvailability(0, "Operative"))).status == "Accepted"
    assert world.station.snapshot.available


async def test_configuration_is_read_changed_and_refused(world):
    await world.ask(call.ChangeConfiguration("MeterValueSampleInterval", "15"))
    found = await world.ask(call.GetConfiguration(["MeterValueSampleInterval", "Nonsense"]))
    assert found.configuration_key == [
        {"key": "MeterValueSampleInterval", "readonly": False, "value": "15"}
    ]
    assert found.unknown_key == ["Nonsense"]
    await world.kill()
    await world.connect()
    await charging(world)
    await world.run(46)
    assert len(world.ledger.of("MeterValues")) == 3


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("NumberOfConnectors", "2", "Rejected"),
        ("SupportedFeatureProfiles", "", "Rejected"),
        ("MeterValueSampleInterval", "1", "Rejected"),
        ("MeterValueSampleInterval", "many", "Rejected"),
        ("MeterValueSampleInterval", "9" * 400, "Rejected"),
        ("LocalPreAuthorize", "perhaps", "Rejected"),
        ("MeterValuesSampledData", "Temperature", "Rejected"),
        ("MeterValuesSampledData", "Voltage,Power.Active.Import", "Accepted"),
        ("AuthorizationKey", "short", "Rejected"),
        ("AuthorizationKey", "0123456789abcdef", "Accepted"),
        ("Nonsense", "1", "NotSupported"),
    ],
)
async def test_a_change_of_configuration(world, key, value, expected):
    assert (await world.ask(call.ChangeConfiguration(key, value))).status == expected


async def test_every_read_only_key_refuses_to_be_changed(world):
    for one in VARIABLES:
        if one.key and one.access == "ReadOnly":
            answer = await world.ask(call.ChangeConfiguration(one.key, one.default[:500]))
            assert answer.status == "Rejected", one.key


async def test_a_secret_is_never_read(world):
    whole = await world.ask(call.GetConfiguration())
    assert "AuthorizationKey" not in [one["key"] for one in whole.configuration_key]
    assert whole.unknown_key == []
    required = {"HeartbeatInterval", "NumberOfConnectors", "ChargeProfileMaxStackLevel"}
    assert required <= {one["key"] for one in whole.configuration_key}


async def test_a_reset_ends_the_transaction_first(world):
    await charging(world)
    assert (await world.ask(call.Reset("Soft"))).status == "Accepted"
    await world.run(3)
    assert world.ledger.of("StopTransaction")[0]["reason"] == "SoftReset"
    assert world.orders == [{"t": "restart"}]


@pytest.mark.parametrize(("limit", "followed"), [(16.27, 162), (6.199999999999999, 62), (9, 90)])
async def test_a_limit_of_many_decimals_is_rounded_down(world, limit, followed):
    asked = call.SetChargingProfile(0, profile(limit))
    answer = await world.csms.call(asked, suppress=False, skip_schema_validation=True)
    assert answer.status == "Accepted"
    assert world.limit == (followed, followed)


async def test_profiles_bound_the_current_and_can_be_taken_back(world):
    wide = profile(12.0, 1, "ChargePointMaxProfile", chargingProfileKind="Absolute")
    assert (await world.ask(call.SetChargingProfile(0, wide))).status == "Accepted"
    assert (await world.ask(call.SetChargingProfile(1, wide))).status == "Rejected"
    assert (await world.ask(call.SetChargingProfile(1, profile(8.0, 2)))).status == "Accepted"
    assert world.limit == (80, 80)
    tx = profile(9.0, 3, "TxProfile")
    assert (await world.ask(call.SetChargingProfile(1, tx))).status == "Rejected"
    await charging(world)
    wrong = tx | {"transactionId": 77}
    assert (await world.ask(call.SetChargingProfile(1, wrong))).status == "Rejected"
    assert (await world.ask(call.SetChargingProfile(1, tx))).status == "Accepted"
    assert world.limit == (90, 90)
    await world.kill()
    assert world.limit == (90, 90)  # profiles outlive a restart
    await world.connect()
    plan = await world.ask(call.GetCompositeSchedule(1, 600, "W"))
    assert plan.charging_schedule["charging_schedule_period"][0]["limit"] == 9 * 690
    assert (await world.ask(call.ClearChargingProfile(id=77))).status == "Unknown"
    assert (await world.ask(call.ClearChargingProfile(id=3))).status == "Accepted"
    assert world.limit == (80, 80)
    cleared = call.ClearChargingProfile(charging_profile_purpose="TxDefaultProfile")
    assert (await world.ask(cleared)).status == "Accepted"
    assert world.limit == (120, 120)
    assert (await world.ask(call.ClearChargingProfile())).status == "Accepted"
    assert world.limit == (None, None)


@pytest.mark.parametrize(
    "bad",
    [
        profile(-1.0),
        profile(10.0, stackLevel=99),
        profile(10.0, number=2**40),
        profile(10.0, validTo="yesterday"),
        profile(10.0, chargingProfileKind="Recurring"),
    ],
)
async def test_a_profile_that_cannot_be_followed_is_refused_and_changes_nothing(world, bad):
    await world.ask(call.SetChargingProfile(0, profile(12.0, 5)))
    answer = await world.csms.call(
        call.SetChargingProfile(0, bad), suppress=False, skip_schema_validation=True
    )
    assert answer.status == "Rejected"
    assert world.limit == (120, 120)


@pytest.mark.parametrize(
    ("wanted", "action"),
    [
        ("BootNotification", "BootNotification"),
        ("Heartbeat", "Heartbeat"),
        ("StatusNotification", "StatusNotification"),
        ("MeterValues", "MeterValues"),
        ("DiagnosticsStatusNotification", "DiagnosticsStatusNotification"),
        ("FirmwareStatusNotification", "FirmwareStatusNotification"),
    ],
)
async def test_a_trigger_has_it_said(world, wanted, action):
    before = len(world.ledger.of(action))
    assert (await world.ask(call.TriggerMessage(wanted))).status == "Accepted"
    await world.run(2)
    assert len(world.ledger.of(action)) > before


async def test_what_is_not_there_is_said_so(world):
    assert (await world.ask(call.UnlockConnector(1))).status == "NotSupported"  # no lock
    assert (await world.ask(call.DataTransfer("somebody"))).status == "UnknownVendorId"
    ftp = await world.ask(call.GetDiagnostics("ftp://example.org/here"))
    assert ftp.file_name is None


async def test_a_token_that_is_refused_by_the_list_may_not(world):
    send = call.SendLocalList(
        1,
        "Full",
        [
            {"idTag": "GOOD", "idTagInfo": {"status": "Accepted"}},
            {"idTag": "BAD", "idTagInfo": {"status": "Blocked"}},
            {
                "idTag": "OLD",
                "idTagInfo": {"status": "Accepted", "expiryDate": "2026-01-01T00:00:00Z"},
            },
        ],
    )
    assert (await world.ask(send)).status == "Accepted"
    assert (await world.ask(call.GetLocalListVersion())).list_version == 1
    again = call.SendLocalList(1, "Differential", [])
    assert (await world.ask(again)).status == "VersionMismatch"
    more = call.SendLocalList(2, "Differential", [{"idTag": "BAD"}])
    await world.cut()
    found = {one: await world.talk.present(one) for one in ("BAD", "OLD", "STRANGER", "GOOD")}
    assert found == {
        "BAD": "Blocked",
        "OLD": "Expired",
        "STRANGER": "Invalid",
        "GOOD": "Accepted",
    }
    await world.connect()
    assert (await world.ask(more)).status == "Accepted"
    await world.cut()
    assert await world.talk.present("BAD") == "Invalid"


async def test_what_was_said_of_a_token_is_remembered_until_the_cache_is_cleared(world):
    world.ledger.refuses_tokens["LATE"] = "Expired"
    assert await world.talk.present("LATE") == "Expired"
    assert await world.talk.present("FRIEND") == "Accepted"
    await world.run(70)  # the grant is over
    await world.cut()
    assert await world.talk.present("LATE") == "Expired"
    assert await world.talk.present("FRIEND") == "Accepted"
    await world.connect()
    assert (await world.ask(call.ClearCache())).status == "Accepted"
    await world.cut()
    assert await world.talk.present("FRIEND") == "Invalid"
    await world.connect()
    await world.ask(call.ChangeConfiguration("AllowOfflineTxForUnknownId", "true"))
    await world.cut()
    assert await world.talk.present("FRIEND") == "Accepted"


async def test_with_preauthorization_a_listed_token_is_not_asked_for(world):
    await world.ask(call.ChangeConfiguration("LocalPreAuthorize", "true"))
    await world.ask(
        call.SendLocalList(1, "Full", [{"idTag": "GOOD", "idTagInfo": {"status": "Accepted"}}])
    )
    assert await world.talk.present("GOOD") == "Accepted"
    assert world.ledger.of("Authorize") == []


@pytest.mark.parametrize(
    ("connector", "status", "left"),
    [(0, "Accepted", (80, 80)), (1, "Accepted", (120, 120)), (2, "Unknown", (80, 80))],
)
async def test_profiles_of_a_connector_are_cleared_without_those_of_the_whole(
    world, connector, status, left
):
    whole = profile(12.0, number=1, purpose="ChargePointMaxProfile", chargingProfileKind="Absolute")
    for sent, place in ((whole, 0), (profile(8.0, number=2), 1)):
        asked = call.SetChargingProfile(connector_id=place, cs_charging_profiles=sent)
        assert (await world.ask(asked)).status == "Accepted"
    cleared = call.ClearChargingProfile(connector_id=connector)
    assert (await world.ask(cleared)).status == status
    assert world.limit == left


def powered(limit, phases=None, purpose="TxDefaultProfile"):
    sent = profile(limit, purpose=purpose, unit="W")
    if phases is not None:
        sent["chargingSchedule"]["chargingSchedulePeriod"][0]["numberPhases"] = phases
    return call.SetChargingProfile(1, sent)


@pytest.mark.parametrize(
    ("fitted", "said", "limit", "plan"),
    [
        (3, 1, 160, (3680, 1)),
        (3, None, 0, (0, 3)),
        (1, None, 160, (3680, 1)),
        (1, 3, 160, (3680, 1)),
    ],
)
async def test_watts_are_of_the_phases_a_profile_names_and_else_of_the_station_s(
    world, fitted, said, limit, plan
):
    world.point.agreed = offline(phases=fitted)
    assert (await world.ask(powered(3680, said))).status == "Accepted"
    assert world.limit == (limit, limit)
    told = await world.ask(call.GetCompositeSchedule(1, 600, "W"))
    [period] = told.charging_schedule["charging_schedule_period"]
    assert (period["limit"], period["number_phases"]) == plan


async def test_a_schedule_without_a_limit_says_what_the_owner_permits(world):
    world.point.agreed = offline(most_da=320)
    told = await world.ask(call.GetCompositeSchedule(0, 600, "A"))
    assert [one["limit"] for one in told.charging_schedule["charging_schedule_period"]] == [32]


async def test_profiles_are_for_connectors_that_can_have_them(world):
    await charging(world)
    for purpose, places in (
        ("ChargePointMaxProfile", {0}),
        ("TxDefaultProfile", {0, 1}),
        ("TxProfile", {1}),
    ):
        sent = profile(purpose=purpose, chargingProfileKind="Absolute")
        for place in range(3):
            answer = await world.ask(call.SetChargingProfile(place, sent))
            assert answer.status == ("Accepted" if place in places else "Rejected"), purpose


async def test_a_default_of_the_whole_station_is_cleared_by_its_connector(world):
    await world.ask(call.SetChargingProfile(0, profile(8.0, 1)))
    await world.ask(call.SetChargingProfile(1, profile(10.0, 2)))
    assert world.limit == (100, 100)
    await world.kill()
    await world.connect()
    assert (await world.ask(call.ClearChargingProfile(connector_id=1))).status == "Accepted"
    assert world.limit == (80, 80)
    assert (await world.ask(call.ClearChargingProfile(connector_id=0))).status == "Accepted"
    assert world.limit == (None, None)


async def test_a_profile_of_a_start_from_afar_limits_from_the_first_ampere(world):
    world.authorization_required = True
    await world.ask(call.ChangeConfiguration("AuthorizeRemoteTxRequests", "false"))
    seen = []
    order = world.point.order

    def note(told):
        seen.append((told["t"], told.get("current")))
        order(told)

    world.point.order = note
    asked = call.RemoteStartTransaction("04AABBCC", 1, profile(8.0, purpose="TxProfile"))
    assert (await world.ask(asked)).status == "Accepted"
    assert seen.index(("limit", 80)) < seen.index(("authorize", None))
    world.plug()
    await world.run(5)
    since = seen[seen.index(("limit", 80)) :]
    assert {current for kind, current in since if kind == "limit"} == {80}
    assert len(world.ledger.of("StartTransaction")) == 1


async def test_a_profile_of_a_start_goes_when_nobody_comes(world):
    world.authorization_required = True
    await world.ask(call.RemoteStartTransaction("A", 1, profile(8.0, purpose="TxProfile")))
    assert world.limit == (80, 80)
    await world.run(70)
    assert world.limit == (None, None)


async def test_a_start_with_a_profile_has_room_for_it_among_many(world):
    world.authorization_required = True
    asked = call.RemoteStartTransaction("A", 1, profile(8.0, 99, purpose="TxProfile"))
    assert (await world.ask(asked)).status == "Accepted"
    for number in range(MAX_PROFILES):
        sent = profile(20.0, number, stackLevel=number % 9)
        sent["chargingProfilePurpose"] = "TxDefaultProfile"
        await world.ask(call.SetChargingProfile(number // 9 % 2, sent))
    world.plug()
    await world.run(2)
    assert world.limit == (80, 80)


def entry(token, status="Accepted", **more):
    return {"idTag": token, "idTagInfo": {"status": status, **more}}


async def test_tokens_are_the_same_however_their_letters_are_written(world):
    listed = [entry("Anna"), entry("BERT", "Blocked")]
    await world.ask(call.SendLocalList(1, "Full", listed))
    await world.talk.present("Carl")
    await world.run(70)
    await world.cut()
    found = [await world.talk.present(one) for one in ("bert", "cARL")]
    assert found == ["Blocked", "Accepted"]
    await world.connect()
    more = [entry("anna", "Blocked"), {"idTag": "bert"}]
    await world.ask(call.SendLocalList(2, "Differential", more))
    await world.cut()
    assert [await world.talk.present(one) for one in ("ANNA", "BERT")] == ["Blocked", "Invalid"]
    assert await world.talk.present("carl") == "Accepted"
    await charging(world)
    assert await world.talk.present("CARL") == "Accepted"
    await world.run(5)
    assert world.point.running is None


async def test_somebody_of_the_same_group_may_end_a_transaction(world):
    listed = [entry("Anna", parentIdTag="Home"), entry("Bert", parentIdTag="HOME"), entry("Carl")]
    await world.ask(call.SendLocalList(1, "Full", listed))
    await world.cut()
    world.authorization_required = True
    assert await world.talk.present("ANNA") == "Accepted"
    await charging(world)
    assert [await world.talk.present(one) for one in ("Carl", "Bert")] == [
        "ConcurrentTx",
        "Accepted",
    ]
    world.station.pause()
    await world.run(5)
    await world.connect()
    end = world.ledger.of("StopTransaction")[0]
    assert (end["reason"], end["id_tag"]) == ("Local", "Bert")


async def test_the_group_may_be_told_with_the_begin(world, monkeypatch):
    dialect = type(world.talk.dialect)
    judgement = dialect.judgement

    def grouped(self, answer):
        info = answer.get("idTagInfo")
        return judgement(
            self, {**answer, "idTagInfo": {**info, "parentIdTag": "G"}} if info else answer
        )

    monkeypatch.setattr(dialect, "judgement", grouped)
    await charging(world)
    await world.kill()
    await world.connect()
    assert await world.talk.present("ANOTHER") == "Accepted"
    await world.run(5)
    assert world.ledger.of("StopTransaction")[0]["id_tag"] == "ANOTHER"


async def test_a_token_that_is_too_long_is_nobody_s(world):
    assert await world.talk.present("04AABBCCDDEEFF0011223344") == "Invalid"
    assert world.ledger.of("Authorize") == []


async def test_an_end_names_nobody_who_did_not_ask_for_it(world):
    await charging(world)
    world.station.unplug()
    await world.run(2)
    assert "id_tag" not in world.ledger.of("StopTransaction")[0]
