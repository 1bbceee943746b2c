"""The administrator's file: defaults, ranges, and complaints with their place."""

from pathlib import Path

import pytest

from evsed.errors import BadFileError
from evsed.settings.administrator import Administrator, Supervision, read_administrator

SHIPPED = Path(__file__).resolve().parents[3] / "etc"


def _read(folder, text):
    path = folder / "evsed.yaml"
    path.write_text(text, encoding="utf-8")
    return read_administrator(path)


def _complaint(folder, text):
    with pytest.raises(BadFileError) as error:
        _read(folder, text)
    return str(error.value).removeprefix(f"{folder}/evsed.yaml:")


def test_without_a_file_the_defaults_are_in_force():
    assert read_administrator(None) == Administrator()


def test_the_shipped_file_says_what_the_defaults_are(tmp_path):
    text = (SHIPPED / "evsed.yaml").read_text(encoding="utf-8")
    assert read_administrator(SHIPPED / "evsed.yaml") == Administrator()
    lines = [line for line in text.splitlines() if line.startswith(("# ", "#   ")) and ":" in line]
    keys = (
        *("http:", "rest:", "boot:", "charging:", "supervision:", "webdav:"),
        *("serial:", "update:", "modbus:", "mqtt:", "network:", "clock:"),
    )
    enabled = [line[2:] for line in lines if line.startswith("#   ") or line[2:] in keys]
    assert len(enabled) == 45
    assert _read(tmp_path, "\n".join(enabled)) == Administrator()


def test_the_simulated_charger_listens_on_this_machine_only():
    found = read_administrator(SHIPPED / "evsed-sim.yaml")
    assert (found.http_port, found.http_address) == (8080, "127.0.0.1")
    assert (found.modbus.port, found.modbus.address) == (5020, "127.0.0.1")


def test_every_key_reaches_its_field(tmp_path):
    text = """
    http: {port: 81, address: "::", allowedHosts: [a.lan, "[::1]"], extensions: false,
           corsOrigins: ["http://panel.lan:8123"]}
    webdav: {enabled: false, auth: none, maxFileMiB: 200, maxTreeMiB: 1000}
    serial: {readOnly: true}
    update: {enabled: false, allowUnsigned: true, keys: /srv/keys}
    rest: {energyUnit: Wh}
    boot: {restoreEnabled: true}
    charging: {wakeUp: 30, thermalDerating: false}
    supervision: {silence: 60, current: 7.5}
    x-mine: 1
    """
    assert _read(tmp_path, text) == Administrator(
        http_port=81,
        http_address="::",
        http_allowed_hosts=("a.lan", "[::1]"),
        http_cors_origins=("http://panel.lan:8123",),
        http_extensions=False,
        serial_read_only=True,
        update_enabled=False,
        update_allow_unsigned=True,
        update_keys="/srv/keys",
        webdav_enabled=False,
        webdav_auth="none",
        webdav_max_file_mib=200,
        webdav_max_tree_mib=1000,
        rest_energy_unit="Wh",
        boot_restore_enabled=True,
        charging_wake_up_s=30,
        charging_thermal_derating=False,
        supervision=Supervision(silence_s=60, fallback_da=75),
    )


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("http:\n  port: 65536", "2:9: http.port: 65536 is not permitted, expected a whole number"),
        ("http: {port: -1}", "1:14: http.port: -1 is not permitted"),
        (
            "supervision: {current: 5}",
            "1:24: supervision.current: 5 is not permitted, expected 0 for a pause, or a number 6",
        ),
        ("supervision: {current: true}", "1:24: supervision.current: true is not permitted"),
        ("http: {prot: 1}", "1:8: http.prot: unknown key, did you mean port?"),
        ("htpp: {}", "1:1: htpp: unknown key, did you mean http?"),
        ("http: {address: lan}", "http.address: 'lan' is not permitted, expected an IPv4 or IPv6"),
        ("http: {address: 1}", "http.address: 1 is not permitted"),
        ("http: {corsOrigins: [panel.lan]}", "http.corsOrigins[0]: 'panel.lan' is not permitted"),
        ("update: {keys: keys.d}", "the absolute path of a folder"),
        ("webdav: {auth: off}", "expected one of inherit, none, required"),
        ("http: {allowedHosts: [a b]}", "http.allowedHosts[0]: 'a b' is not permitted"),
        (
            "rest: {energyUnit: kWh}",
            "rest.energyUnit: 'kWh' is not permitted, expected one of Ws, Wh",
        ),
        ("charging: {wakeUp: 3601}", "expected a whole number 0 … 3600 s"),
        ("[]", "1:1: a list is not permitted, expected a mapping with board, http, rest, boot"),
        ("http: [", "not YAML"),
        ("a: 1\na: 2\n", "the key is there twice"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(tmp_path, text, complaint):
    assert complaint in _complaint(tmp_path, text)


def test_all_problems_are_reported(tmp_path):
    assert _complaint(tmp_path, "http: {port: x}\nrest: 3\nboat: {}\n").count("\n") == 2


def test_a_missing_file_is_a_bad_file(tmp_path):
    with pytest.raises(BadFileError, match="cannot be read: No such file"):
        read_administrator(tmp_path / "missing.yaml")
