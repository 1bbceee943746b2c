"""The settings of the serial ports are judged as a whole."""

import pytest

from evsed.errors import RejectedError
from evsed.settings.serial import (
    SERIAL,
    SerialSettings,
    default_serial,
    fit_serial,
    patched_serial,
    wire_serial,
)

_TWO = (SerialSettings(mode="at"), SerialSettings(mode="modbus", baud_rate=9600, parity="even"))


def test_what_is_shown_may_be_written_back_unchanged() -> None:
    assert patched_serial(_TWO, wire_serial(_TWO)) == _TWO
    assert patched_serial((), []) == ()


def test_the_wire_has_the_keys_and_defaults_of_the_interface() -> None:
    assert wire_serial(default_serial(1)) == [
        {"mode": "none", "baudRate": 115200, "dataBits": "8", "stopBits": "1", "parity": "disable"}
    ]


def test_absent_keys_and_empty_entries_keep_what_is_there() -> None:
    after = patched_serial(_TWO, [{"dataBits": "7"}, {"unknown": 1}])
    assert after == (SerialSettings(mode="at", data_bits="7"), _TWO[1])


@pytest.mark.parametrize(
    "patch",
    [
        None,
        {},
        [],
        [{"mode": "log"}],
        [{"mode": "log"}] * 3,
        [{"mode": "log"}, 5],
        [{"mode": "log"}, None],
        [{}, {}],
        [{"other": 1}, {}],
        [{"dataBits": 8}, {}],
        [{"stopBits": 1}, {}],
        [{"parity": "mark"}, {}],
        [{"mode": "foo"}, {}],
        [{"mode": None}, {}],
        [{"baudRate": 299}, {}],
        [{"baudRate": 1_000_001}, {}],
        [{"baudRate": "9600"}, {}],
        [{"baudRate": True}, {}],
        [{"baudRate": 9600.5}, {}],
    ],
)
def test_anything_else_is_refused(patch: object) -> None:
    with pytest.raises(RejectedError):
        patched_serial(_TWO, patch)


def test_the_refusal_names_port_and_key() -> None:
    with pytest.raises(RejectedError, match=r"\[1\]\.parity: .*disable, even, odd"):
        patched_serial(_TWO, [{"mode": "log"}, {"parity": "mark"}])


@pytest.mark.parametrize("mode", ["at", "nextion", "modbus", "script"])
def test_a_mode_of_which_there_is_one_is_refused_on_a_second_port(mode: str) -> None:
    with pytest.raises(RejectedError, match=f"{mode} is permitted on one port"):
        patched_serial(_TWO, [{"mode": mode}, {"mode": mode}])


@pytest.mark.parametrize("mode", ["none", "log"])
def test_other_modes_may_be_used_twice(mode: str) -> None:
    after = patched_serial(_TWO, [{"mode": mode}, {"mode": mode}])
    assert [one.mode for one in after] == [mode, mode]


def test_two_ports_may_swap_their_modes() -> None:
    after = patched_serial(_TWO, [{"mode": "modbus"}, {"mode": "at"}])
    assert [one.mode for one in after] == ["modbus", "at"]


@pytest.mark.parametrize("wire", ["mode", "dataBits", "stopBits", "parity"])
def test_every_permitted_word_is_taken_as_written(wire: str) -> None:
    for one in SERIAL[wire].words:
        after = patched_serial(default_serial(1), [{wire: one}])
        assert wire_serial(after)[0][wire] == one


@pytest.mark.parametrize("ports", [0, 1, 2, 3])
def test_stored_settings_fit_a_board_with_other_ports(ports: int) -> None:
    fitted, changes = fit_serial(_TWO, ports)
    assert len(fitted) == ports
    assert fitted[:2] == _TWO[:ports]
    assert bool(changes) == (ports != 2)
