"""Wi-Fi and discovery: what is permitted, judged as it would be afterwards."""

import pytest
from settings_tools import sim_board

from evsed.errors import RejectedError
from evsed.settings.network import DISCOVERY, WIFI, DiscoverySettings, WifiSettings

HOME = WifiSettings(enabled=True, ssid="home", password="0123456789")
ADDRESSES = {
    "staticIp": "192.168.1.20",
    "staticGateway": "192.168.1.1",
    "staticNetmask": "255.255.255.0",
}


def wifi(patch, before=HOME):
    return WIFI.patched(before, patch, sim_board())


def discovery(patch, before=None):
    return DISCOVERY.patched(before or DiscoverySettings(), patch, sim_board())


def refused(change, *arguments):
    with pytest.raises(RejectedError) as refusal:
        change(*arguments)
    return refusal.value


def test_the_seven_keys_are_shown_in_their_order_and_no_password():
    assert list(WIFI.shown(HOME)) == [
        *("enabled", "ssid", "staticEnabled", "staticIp"),
        *("staticGateway", "staticNetmask", "staticDns"),
    ]


def test_the_password_is_in_no_representation_and_no_refusal():
    assert "0123456789" not in repr(HOME)
    assert "123" not in str(refused(wifi, {"password": "secret1"}))
    assert "123" not in str(refused(wifi, {"password": "secret123" * 10}))


def test_the_password_is_kept():
    assert WIFI.restored(WIFI.kept(HOME), sim_board())[0] == HOME


def test_absent_keys_keep_their_value():
    after = wifi({"ssid": "other"})
    assert (after.enabled, after.ssid, after.password) == (True, "other", "0123456789")


@pytest.mark.parametrize(
    "password", ["", "8letters", "p" * 63, "aF09" * 16, "with blank and ~", "Aa:\"'\\,;{}"]
)
def test_a_passphrase_of_wpa_or_none_is_taken(password):
    assert wifi({"password": password}).password == password


@pytest.mark.parametrize("password", ["seven77", "g" * 64, "a" * 65, "päßword8", "tab\tinside", 8])
def test_other_passwords_are_refused(password):
    assert refused(wifi, {"password": password}).key == "password"


@pytest.mark.parametrize("ssid", ["a", "ä" * 16, "s" * 32, "two words", "雲"])
def test_a_network_name_has_up_to_32_bytes(ssid):
    assert wifi({"ssid": ssid}).ssid == ssid


@pytest.mark.parametrize("ssid", ["ä" * 17, "s" * 33, "a\0b", "", None])
def test_other_network_names_are_refused_while_enabled(ssid):
    assert refused(wifi, {"ssid": ssid}).key == "ssid"


def test_switching_on_needs_a_network_name_given_or_stored():
    off = WifiSettings()
    assert refused(wifi, {"enabled": True}, off).key == "ssid"
    assert wifi({"enabled": True, "ssid": "x"}, off).enabled
    assert wifi({"ssid": "", "enabled": False}).ssid == ""


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"staticIp": "1.2.3"}, "staticIp"),
        ({"staticIp": ""}, "staticIp"),
        ({"staticGateway": ""}, "staticGateway"),
        ({"staticNetmask": ""}, "staticNetmask"),
        ({"staticGateway": "192.168.2.1"}, "staticGateway"),
        ({"staticNetmask": "255.0.255.0"}, "staticNetmask"),
        ({"staticNetmask": "0.0.0.0"}, "staticNetmask"),  # noqa: S104 - a mask, nothing is bound
        ({"staticNetmask": "0.0.0.255"}, "staticNetmask"),
        ({"staticDns": "dns.home"}, "staticDns"),
        ({"staticIp": "::1"}, "staticIp"),
        ({"staticIp": "192.168.001.020"}, "staticIp"),
        ({"staticIp": 3232235776}, "staticIp"),
    ],
)
def test_static_addresses_must_make_a_network(change, key):
    assert refused(wifi, {"staticEnabled": True, **ADDRESSES, **change}).key == key


@pytest.mark.parametrize(
    "change", [{}, {"staticDns": "9.9.9.9"}, {"staticNetmask": "255.255.254.0"}]
)
def test_static_addresses_that_make_a_network_are_taken(change):
    assert wifi({"staticEnabled": True, **ADDRESSES, **change}).static_enabled


def test_without_static_addresses_they_may_be_empty_but_not_nonsense():
    assert wifi({"staticIp": "10.0.0.9"}).static_ip == "10.0.0.9"
    assert refused(wifi, {"staticDns": "x"}).key == "staticDns"


@pytest.mark.parametrize("patch", [[], None, True, {}, {"SSID": "x"}])
def test_something_known_must_be_in_an_object(patch):
    refused(wifi, patch)
    refused(discovery, patch)


@pytest.mark.parametrize(
    ("name", "stored"), [("a", "a"), ("Garage-2", "garage-2"), ("e" * 31,) * 2]
)
def test_a_host_name_is_one_label_in_lower_case(name, stored):
    assert discovery({"hostname": name}).hostname == stored


@pytest.mark.parametrize("name", ["", "-bad-", "a-", "a.b", "a b", "e" * 32, "gärage", "a_b", 1])
def test_other_host_names_are_refused(name):
    assert refused(discovery, {"hostname": name}).key == "hostname"


@pytest.mark.parametrize("name", ["Garage", "Ladestation Süd", "ß" * 31, "x" * 63])
def test_an_instance_name_has_up_to_63_bytes(name):
    after = discovery({"instanceName": name})
    assert DISCOVERY.shown(after) == {"hostname": "evse", "instanceName": name}


@pytest.mark.parametrize("name", ["", "x" * 64, "ß" * 32, "a\nb", "a\x7f", None])
def test_other_instance_names_are_refused(name):
    assert refused(discovery, {"instanceName": name}).key == "instanceName"
