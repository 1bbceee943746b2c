"""The section of the management system: what is permitted, what is never shown."""

import pytest
from scenarios.street import SIM_BOARD

from evsed.errors import RejectedError
from evsed.settings.mqtt import MQTT, MqttSettings
from evsed.settings.ocpp import OCPP, OcppSettings

GOOD = {"url": "wss://csms.example/ocpp", "identity": "CP-1", "enabled": True}
PASSWORD = "0123456789abcdef"  # noqa: S105
PEM = "-----BEGIN CERTIFICATE-----\nQUJD\n-----END CERTIFICATE-----\n"
KEY = "-----BEGIN PRIVATE KEY-----\nQUJD\n-----END PRIVATE KEY-----\n"


def patched(**patch):
    return OCPP.patched(OcppSettings(), patch, SIM_BOARD)


def test_it_is_off_until_it_is_switched_on():
    assert OCPP.default(SIM_BOARD).enabled is False


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"url": "ws://10.0.0.1:9000"},
        {"securityProfile": 1, "password": PASSWORD, "url": "ws://csms"},
        {"securityProfile": 2, "password": PASSWORD, "caCertificate": PEM * 2},
        {"securityProfile": 3, "clientCertificate": PEM, "clientKey": KEY},
        {"offlineCurrent": 0},
        {"offlineCurrent": 6.5},
    ],
)
def test_a_connection_that_can_be_made_is_taken(more):
    assert patched(**{**GOOD, **more}).enabled


@pytest.mark.parametrize(
    ("more", "key"),
    [
        ({"url": ""}, "url"),
        ({"url": "http://csms"}, "url"),
        ({"url": "ws://"}, "url"),
        ({"url": "ws://user:secret@csms"}, "url"),
        ({"url": "ws://csms:999999"}, "url"),
        ({"url": "ws://csms?x=1"}, "url"),
        ({"identity": ""}, "identity"),
        ({"identity": "a/b"}, "identity"),
        ({"securityProfile": 1}, "password"),
        ({"securityProfile": 2, "password": PASSWORD, "url": "ws://csms"}, "url"),
        ({"securityProfile": 3}, "clientCertificate"),
        ({"securityProfile": 3, "clientCertificate": PEM}, "clientKey"),
        ({"password": "short"}, "password"),
        ({"offlineCurrent": 3}, "offlineCurrent"),
        ({"caCertificate": "nonsense"}, "caCertificate"),
        ({"clientKey": KEY + "and more"}, "clientKey"),
        ({"version": "2.1"}, "version"),
        ({"meterInterval": 0}, "meterInterval"),
    ],
)
def test_a_connection_that_cannot_be_made_is_refused_by_its_key(more, key):
    with pytest.raises(RejectedError) as refused:
        patched(**{**GOOD, **more})
    assert refused.value.key == key


def test_secrets_are_kept_and_never_shown_not_even_in_a_refusal():
    made = patched(**GOOD, password=PASSWORD, clientKey=KEY, clientCertificate=PEM)
    shown = OCPP.shown(made)
    assert {"password", "clientKey"} & set(shown) == set()
    assert shown["clientCertificate"] == PEM
    assert OCPP.restored(OCPP.kept(made), SIM_BOARD) == (made, ())
    assert PASSWORD not in repr(made)
    with pytest.raises(RejectedError) as refused:
        patched(clientKey="SECRET")
    assert "SECRET" not in str(refused.value)


def test_line_ends_of_windows_are_taken():
    assert patched(caCertificate=PEM.replace("\n", "\r\n")).ca_certificate == PEM


SECURED = {**GOOD, "securityProfile": 2, "password": PASSWORD}


@pytest.mark.parametrize(
    ("patch", "kept"),
    [
        ({"url": "wss://csms.example/other"}, True),
        ({"url": "wss://CSMS.example/ocpp"}, True),
        ({"identity": "CP-2"}, True),
        ({"url": "wss://elsewhere.example/ocpp"}, False),
        ({"url": "wss://csms.example:8443/ocpp"}, False),
        ({"url": "ws://csms.example/ocpp", "securityProfile": 0}, False),
        ({"url": ""}, False),
    ],
)
def test_a_password_is_not_sent_where_it_was_not_meant_for(patch, kept):
    before = patched(**SECURED)
    after = OCPP.patched(before, {"enabled": False, **patch}, SIM_BOARD)
    assert after.password == (PASSWORD if kept else "")


def test_another_host_gets_the_password_that_comes_with_it():
    new = {"url": "wss://elsewhere.example", "password": "another-password-1"}
    assert OCPP.patched(patched(**SECURED), new, SIM_BOARD).password == new["password"]
    with pytest.raises(RejectedError) as refused:
        OCPP.patched(patched(**SECURED), {"url": new["url"]}, SIM_BOARD)
    assert refused.value.key == "password"


def test_an_address_may_come_after_its_password():
    first = OCPP.patched(OcppSettings(), {"password": PASSWORD}, SIM_BOARD)
    assert OCPP.patched(first, {"url": GOOD["url"]}, SIM_BOARD).password == PASSWORD


def test_another_broker_does_not_get_the_password_either():
    first = {"uri": "mqtt://nas.local", "user": "evse", "password": PASSWORD}
    before = MQTT.patched(MqttSettings(), first, SIM_BOARD)
    assert MQTT.patched(before, {"uri": "mqtt://nas.local/"}, SIM_BOARD).password == PASSWORD
    assert MQTT.patched(before, {"uri": "mqtt://other.local"}, SIM_BOARD).password == ""
