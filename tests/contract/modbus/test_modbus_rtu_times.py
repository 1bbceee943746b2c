"""A station on a serial line: when it answers, and when it rather does not."""

import pytest
from modbus_world import Charger, Hours, Line, settled

from evsed.services.modbus.line import sealed
from evsed.services.modbus.rtu import RtuSession

STATE = bytes.fromhex("010300640001c5d5")
STATE_ANSWER = bytes.fromhex("010302433208a1")
UNKNOWN = sealed(bytes.fromhex("012b0e0100"))
CURRENT_8 = sealed(bytes.fromhex("0106006a0050"))


class Bus:
    """A session, its port and its time."""

    def __init__(self, charger, *, baud_rate=9600, **options):
        self.hours = Hours()
        self.line = Line(self.hours.clock, baud_rate)
        self.session = RtuSession(
            charger.desk, clock=self.hours.clock, call_later=self.hours.call_later, **options
        )
        self.session.opened(self.line)
        self.began_s = self.hours.now_s

    async def after(self, seconds):
        for _ in range(20):
            self.hours.pass_s(seconds / 20)
            await settled(self.session)

    @property
    def sent(self):
        return [data for _, data in self.line.sent]

    @property
    def sent_ms(self):
        return [(at_s - self.began_s) * 1000 for at_s, _ in self.line.sent]


@pytest.fixture
def charger(tmp_path):
    return Charger(tmp_path)


@pytest.mark.parametrize(("baud_rate", "gap_ms"), [(9600, 3.646), (19200, 1.823), (115200, 1.75)])
async def test_an_answer_keeps_the_gap_between_frames(charger, baud_rate, gap_ms):
    bus = Bus(charger, baud_rate=baud_rate)
    bus.session.received(STATE)
    bus.hours.pass_s(0.05)
    assert bus.sent == [STATE_ANSWER]
    assert bus.sent_ms[0] == pytest.approx(gap_ms, abs=0.001)


async def test_an_unknown_function_is_refused_after_silence_within_30_ms(charger):
    bus = Bus(charger)
    bus.session.received(UNKNOWN)
    bus.hours.pass_s(0.1)
    assert bus.sent == [sealed(bytes.fromhex("01ab01"))]
    assert 5 <= bus.sent_ms[0] <= 30


async def test_a_request_in_pieces_of_a_receiver_is_still_one(charger):
    """A UART hands over eight characters at a time: the pieces come with gaps."""
    bus = Bus(charger)
    write = sealed(bytes.fromhex("0110006b00020400002710"))
    bus.session.received(write[:8])
    bus.hours.pass_s(0.0085)
    bus.session.received(write[8:])
    await bus.after(0.05)
    assert bus.sent == [sealed(bytes.fromhex("0110006b0002"))]


async def test_after_silence_a_broken_request_is_forgotten(charger):
    bus = Bus(charger)
    bus.session.received(STATE[:6])
    bus.hours.pass_s(0.05)
    bus.session.received(STATE[6:] + STATE[:1])
    bus.hours.pass_s(0.05)
    assert bus.sent == []
    bus.session.received(STATE)
    bus.hours.pass_s(0.05)
    assert bus.sent == [STATE_ANSWER]


async def test_a_write_is_answered_when_it_is_in_force(charger):
    bus = Bus(charger)
    bus.session.received(CURRENT_8)
    await bus.after(0.05)
    assert bus.sent == [CURRENT_8]
    assert charger.state()["chargingCurrent"] == 8.0


async def test_an_answer_that_comes_too_late_is_not_sent(charger):
    bus = Bus(charger)
    bus.session.received(CURRENT_8)
    bus.hours.pass_s(0.201)
    await bus.after(0.05)
    assert bus.sent == []
    assert charger.state()["chargingCurrent"] == 8.0
    bus.session.received(STATE)
    await bus.after(0.05)
    assert bus.sent == [STATE_ANSWER]


async def test_an_answer_waits_until_nobody_else_talks(charger):
    bus = Bus(charger)
    bus.session.received(STATE)
    bus.hours.pass_s(0.003)
    bus.session.received(sealed(bytes.fromhex("070300000001")))
    bus.hours.pass_s(0.05)
    assert bus.sent == [STATE_ANSWER]
    assert bus.sent_ms[0] == pytest.approx(3 + 3.646, abs=0.001)


async def test_an_answer_is_dropped_when_others_go_on_talking(charger):
    bus = Bus(charger)
    bus.session.received(STATE)
    for _ in range(100):
        bus.hours.pass_s(0.0025)
        bus.session.received(b"\x07")
    bus.hours.pass_s(0.05)
    assert bus.sent == []
    bus.session.received(STATE)
    bus.hours.pass_s(0.05)
    assert bus.sent == [STATE_ANSWER]


async def test_two_requests_at_once_are_answered_one_after_the_other(charger):
    bus = Bus(charger)
    bus.session.received(STATE + STATE)
    bus.hours.pass_s(0.05)
    assert bus.sent == [STATE_ANSWER] * 2
    wire_ms = len(STATE_ANSWER) * 10 / 9.6
    assert bus.sent_ms[1] - bus.sent_ms[0] >= wire_ms + 3.6


async def test_a_flood_of_requests_is_not_kept(charger):
    bus = Bus(charger)
    for _ in range(1000):
        bus.session.received(STATE)
    assert len(bus.session._waiting) <= 4
    bus.hours.pass_s(1)
    assert 1 <= len(bus.sent) <= 6


async def test_a_full_queue_of_the_port_does_not_stop_the_station(charger):
    bus = Bus(charger)
    bus.line.full = True
    bus.session.received(STATE)
    bus.hours.pass_s(0.05)
    bus.line.full = False
    bus.session.received(STATE)
    bus.hours.pass_s(0.05)
    assert bus.sent == [STATE_ANSWER]


async def test_nothing_is_sent_to_a_port_that_was_closed(charger):
    bus = Bus(charger)
    bus.session.received(STATE)
    await bus.session.closed("the mode was changed")
    bus.hours.pass_s(1)
    bus.session.received(STATE)
    bus.hours.pass_s(1)
    assert bus.sent == []


async def test_a_new_unit_id_counts_at_once(charger):
    bus = Bus(charger)
    await charger.operations.change("modbus", {"unitId": 17}, source="modbus test")
    bus.session.received(STATE)
    bus.hours.pass_s(0.05)
    bus.session.received(sealed(bytes.fromhex("110300640001")))
    bus.hours.pass_s(0.05)
    assert bus.sent == [sealed(bytes.fromhex("1103024332"))]


async def test_a_line_can_be_read_only_by_itself(charger):
    bus = Bus(charger, read_only=True)
    bus.session.received(CURRENT_8)
    await bus.after(0.05)
    bus.session.received(STATE)
    await bus.after(0.05)
    assert bus.sent == [sealed(bytes.fromhex("018602")), STATE_ANSWER]
