"""The administrator's section for Modbus."""

from ipaddress import ip_address, ip_network

import pytest

from evsed.errors import BadFileError
from evsed.settings.administrator import read_administrator
from evsed.settings.modbus_access import HOME, ModbusAccess


def _read(folder, text):
    path = folder / "evsed.yaml"
    path.write_text(text, encoding="utf-8")
    return read_administrator(path).modbus


def test_every_key_of_modbus_reaches_its_field(tmp_path):
    text = """
    modbus:
      port: 1502
      address: 192.168.1.2
      maxConnections: 3
      allow: [192.168.1.7, "2001:db8::/32"]
      readOnly: true
      lockSettings: true
      watchdog: {silence: 90, current: 7.5}
    """
    assert _read(tmp_path, text) == ModbusAccess(
        port=1502,
        address="192.168.1.2",
        max_connections=3,
        allow=(ip_network("192.168.1.7/32"), ip_network("2001:db8::/32")),
        read_only=True,
        lock_settings=True,
        silence_s=90,
        fallback_da=75,
    )


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{allow: []}", "modbus.allow: a list of 0 is not permitted"),
        ("{allow: [home]}", "modbus.allow[0]: 'home' is not permitted, expected an address"),
        ("{allow: [192.168.0.0/33]}", "'192.168.0.0/33' is not permitted"),
        ("{maxConnections: 0}", "expected a whole number 1 … 64"),
        ("{watchdog: {current: 5.9}}", "modbus.watchdog.current: 5.9 is not permitted"),
        ("{watchdog: {silence: -1}}", "expected a whole number 0 … 65535 s"),
        ("{readonly: true}", "unknown key, did you mean readOnly?"),
    ],
)
def test_what_is_wrong_in_the_modbus_section_is_named(tmp_path, text, complaint):
    with pytest.raises(BadFileError) as error:
        _read(tmp_path, f"modbus: {text}")
    assert complaint in str(error.value)


@pytest.mark.parametrize(
    ("address", "home"),
    [
        ("127.0.0.1", True),
        ("192.168.178.20", True),
        ("172.31.255.255", True),
        ("172.32.0.0", False),
        ("169.254.7.7", True),
        ("8.8.8.8", False),
        ("::1", True),
        ("fe80::1%eth0", True),
        ("fd12::1", True),
        ("2001:db8::1", False),
    ],
)
def test_by_default_only_the_home_network_may_come_in(address, home):
    assert any(ip_address(address) in network for network in HOME) is home
