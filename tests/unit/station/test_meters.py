"""Which meter counts: the external one while it answers, then what is left."""

from evsed.hardware.interfaces import MeterAlarm, MeterReading
from evsed.station.meters import Metered, Meters, ReadingBox


class BoardMeter:
    def __init__(self):
        self.newest = None

    def read(self):
        return self.newest


def reading(taken_ms, amperes=10.0):
    return MeterReading(taken_ms, (amperes, 0.0, 0.0), (230.0, 0.0, 0.0))


def test_a_board_without_a_meter_reads_nothing_and_misses_nothing():
    meters = Meters()
    assert meters.read(0, closed=True) == Metered()
    assert meters.read(60_000, closed=True) == Metered()


def test_the_boards_channels_are_lost_when_they_stay_silent_with_the_contactor_closed():
    board = BoardMeter()
    meters = Meters(board=board)
    assert meters.read(0, closed=False).alarms == ()
    assert meters.read(60_000, closed=False).alarms == ()
    assert meters.read(60_020, closed=True).alarms == ()
    assert meters.read(62_020, closed=True).alarms == (MeterAlarm.METER_LOST,)
    board.newest = reading(62_030)
    assert meters.read(62_040, closed=True).reading == board.newest
    assert meters.read(62_540, closed=True).alarms == (MeterAlarm.METER_LOST,)


def test_an_external_meter_wins_until_its_reading_is_old():
    board, box = BoardMeter(), ReadingBox()
    meters = Meters(board=board, external=box, external_stale_ms=3_000)
    board.newest = reading(1_000, 9.0)
    box.put(reading(1_000))
    now = meters.read(1_020, closed=True)
    assert (now.external, now.reading.currents_a[0], now.alarms) == (True, 10.0, ())
    board.newest = reading(4_010, 9.0)
    now = meters.read(4_020, closed=True)
    assert (now.external, now.reading.currents_a[0]) == (False, 9.0)
    assert now.alarms == (MeterAlarm.METER_LOST,)
    box.put(reading(4_500))
    assert meters.read(4_520, closed=True).external


def test_an_external_meter_is_given_time_to_answer_for_the_first_time():
    meters = Meters(external=ReadingBox())
    assert meters.read(5_000, closed=False).alarms == ()
    assert meters.read(19_900, closed=False).alarms == ()
    assert meters.read(20_000, closed=False) == Metered(alarms=(MeterAlarm.METER_LOST,))
