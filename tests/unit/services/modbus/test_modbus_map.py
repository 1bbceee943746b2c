"""The register table, and what can be read and written of it."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evsed.board.reader import read_board
from evsed.charging.snapshot import Snapshot
from evsed.errors import RejectedError
from evsed.host.machine import Memory
from evsed.operations.picture import Facts
from evsed.operations.state_fields import STATE_FIELDS, WRITABLE
from evsed.services.modbus.pdu import Write, answer
from evsed.services.modbus.register_map import RegisterMap, wish
from evsed.services.modbus.registers import REGISTERS, Group, Scene
from evsed.settings.schema import EVSE, EvseSettings

BOARD = read_board(Path(__file__).parents[4] / "boards" / "sim.yaml")
FACTS = Facts(
    uptime_s=70_000,
    version="v1.2.3",
    built_date="",
    built_time="",
    platform="",
    chip="",
    cores=1,
    revision=0,
    memory=Memory(used=0, free=0, largest_block=0, least_free=0),
)
ALL = RegisterMap(REGISTERS, frozenset())
BLOCKS = ((100, 112), (200, 219), (300, 318), (400, 421), (900, 912))


def scene(**snapshot):
    return Scene(Snapshot(**snapshot), EvseSettings(), BOARD, FACTS)


def read(address, count, now=None):
    block = ALL.block(address, count)
    return None if block is None else block(now or scene())


def row(name):
    return next(register for register in REGISTERS if register.name == name)


def test_the_table_ascends_without_overlaps():
    end = 0
    for register in REGISTERS:
        assert register.address >= end, register.name
        end = register.address + register.words


def test_what_can_be_written_has_the_name_rest_writes_it_by():
    written = {register.name for register in REGISTERS if register.write}
    assert written == set(EVSE) | set(WRITABLE)


def test_what_can_be_read_has_the_name_rest_shows_it_by():
    shown = {field.name for field in STATE_FIELDS} | set(EVSE)
    shown |= {"uptime", "temperatureLow", "temperatureHigh", "temperatureSensorCount", "appVersion"}
    ours = {"mapVersion", "capabilities", "phases", "fallbackCurrent", "watchdogTime"}
    ours |= {"offeredCurrent", "clients"}
    names = {register.name.partition("[")[0] for register in REGISTERS if register.read}
    assert names == shown | ours


def test_exactly_the_mapped_addresses_can_be_read():
    readable = {address for address in range(0x10000) if read(address, 1) is not None}
    assert readable == {address for begin, end in BLOCKS for address in range(begin, end)}


@given(st.sampled_from(BLOCKS), st.data())
def test_a_part_of_a_block_is_a_part_of_the_whole(block, data):
    begin, end = block
    first = data.draw(st.integers(begin, end - 1))
    count = data.draw(st.integers(1, end - first))
    whole = read(begin, end - begin)
    assert read(first, count) == whole[2 * (first - begin) :][: 2 * count]


@given(st.integers(0, 65535), st.integers(1, 125))
def test_a_range_can_be_read_when_each_of_its_addresses_can(address, count):
    single = all(read(one, 1) is not None for one in range(address, min(address + count, 0x10000)))
    assert (read(address, count) is not None) is (single and address + count <= 0x10000)


@pytest.mark.parametrize(
    ("address", "count", "changes", "expected"),
    [
        (200, 1, {"power_w": 65_536}, "ffff"),
        (200, 1, {"power_w": -1}, "0000"),
        (203, 2, {"charging_time_ms": 2**32 * 1000}, "ffffffff"),
        (205, 2, {"session_energy_ws": 2**32 * 3600}, "ffffffff"),
        (207, 2, {"voltages_v": (float("nan"), 0.0, 0.0)}, "00000000"),
        (211, 2, {"voltages_v": (0.0, 0.0, 4_294_967.3)}, "ffffffff"),
        (213, 2, {"currents_a": (0.0004, 0.0, 0.0)}, "00000000"),
        (213, 2, {"currents_a": (0.0005, 0.0, 0.0)}, "00000001"),
        (402, 1, {"temperature_low_cdeg": -40_000}, "8000"),
        (403, 1, {"temperature_high_cdeg": 40_000}, "7fff"),
        (107, 2, {"consumption_limit_ws": 15_461_882_262_000}, "ffffffff"),
        (904, 4, {"total_energy_ws": 3600 * 5_000_000_000 + 3599}, "000000012a05f200"),
        (906, 2, {"total_energy_ws": 3600 * 70_000}, "00011170"),
        (903, 1, {"currents_a": (16.0, 1.0, 0.99)}, "0002"),
        (901, 1, {"limit_reached": True}, "0001"),
        (910, 1, {"offered_da": 137}, "0089"),
    ],
)
def test_values_stick_at_the_end_of_their_registers(address, count, changes, expected):
    assert read(address, count, scene(**changes)).hex() == expected


def test_the_watchdog_and_the_clients_can_be_read():
    now = scene()._replace(clients=3, silence_s=90, fallback_da=75)
    assert read(908, 4, now).hex() == "004b005a00000003"
    assert read(902, 1, now).hex() == "01ff"
    assert read(902, 1, scene()).hex() == "00ff"


def test_a_version_longer_than_its_registers_is_cut():
    facts = Facts(
        **{name: getattr(FACTS, name) for name in Facts.__slots__} | {"version": "é" * 40}
    )
    assert read(405, 16, scene()._replace(facts=facts)) == ("é" * 16).encode()


@pytest.mark.parametrize(
    ("address", "count", "whole"),
    [
        (103, 2, True),
        (106, 7, True),
        (300, 18, True),
        (421, 1, True),
        (107, 1, False),
        (108, 1, False),
        (106, 2, False),
        (108, 2, False),
        (104, 2, False),
        (112, 2, False),
        (900, 1, False),
        (65535, 1, False),
    ],
)
def test_only_whole_writable_values_can_be_written(address, count, whole):
    assert (ALL.writable(address, count) is not None) is whole


def test_what_is_locked_can_be_read_and_not_written():
    stored = RegisterMap(REGISTERS, frozenset({Group.STORED}))
    assert stored.writable(103, 1)
    assert stored.writable(112, 1)
    assert stored.writable(300, 1) is None
    assert stored.writable(421, 1) is None
    assert stored.block(300, 18) is not None
    nothing = RegisterMap(REGISTERS, frozenset(Group))
    assert not any(nothing.writable(register.address, register.words) for register in REGISTERS)


@pytest.mark.parametrize(
    ("name", "words", "written"),
    [
        ("enabled", (1,), True),
        ("chargingCurrent", (135,), 13.5),
        ("consumptionLimit", (1, 0x86A0), 360_000_000),
        ("consumptionLimit", (0xFFFF, 0xFFFF), 4_294_967_295 * 3600),
        ("chargingTimeLimit", (0, 7200), 7200),
        ("energyMeterMode", (1,), "cur"),
        ("maxChargingCurrent", (63,), 63),
    ],
)
def test_a_write_speaks_the_units_of_rest(name, words, written):
    wanted = wish([row(name)], words, scene())
    assert wanted.changes == ((name, written),)
    assert type(wanted.changes[0][1]) is type(written)


@pytest.mark.parametrize(
    ("name", "value"),
    [("enabled", 2), ("enabled", 0xFF00), ("energyMeterMode", 3), ("authorize", 0), ("restart", 2)],
)
def test_a_value_a_register_cannot_take_is_refused(name, value):
    with pytest.raises(RejectedError):
        wish([row(name)], [value], scene())


@given(st.binary(min_size=1, max_size=253))
def test_every_request_gets_an_answer_or_is_a_write(pdu):
    done = answer(pdu, ALL, scene())
    if isinstance(done, Write):
        assert pdu[0] in (6, 16)
    elif done[0] & 0x80:
        assert done[0] == pdu[0] | 0x80
        assert done[1:] in (b"\x01", b"\x02", b"\x03")
    else:
        assert done[:2] == bytes((pdu[0], len(done) - 2))
