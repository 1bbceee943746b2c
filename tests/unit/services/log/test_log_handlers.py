"""Records on their way: format, ring, standard error, journal."""

import contextlib
import logging
import os
import re
import subprocess
import sys
import textwrap
import time
import types

import pytest

from evsed.services.log.handlers import LineFormat, PriorityFormat, log_from_a_thread
from evsed.services.log.ring import LogRing
from evsed.services.log.service import LogService


@contextlib.contextmanager
def logging_to(ring):
    root = logging.getLogger()
    level = root.level
    try:
        with log_from_a_thread(logging.DEBUG, ring):
            yield logging.getLogger("evsed.test")
    finally:
        root.setLevel(level)


@pytest.fixture
def zone(monkeypatch):
    monkeypatch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def record(level=logging.INFO, message="hello", at_s=1_700_000_000.25):
    made = logging.LogRecord("evsed.x", level, __file__, 1, message, None, None)
    made.created = at_s
    return made


def test_a_line_has_iso_time_in_the_zone_then_letter_logger_and_message(zone):
    line = LineFormat().format(record(logging.WARNING))
    assert line == "2023-11-14T23:13:20.250+01:00 W evsed.x: hello"


def test_a_line_follows_the_change_to_summer_time(zone):
    assert (
        LineFormat()
        .format(record(at_s=1_720_000_000))
        .startswith("2024-07-03T11:46:40.000+02:00 I")
    )


def test_a_configured_zone_counts_more_than_the_systems(zone):
    service = LogService()
    line = LineFormat(lambda: service.zone)
    service.use_zone("America/New_York")
    assert line.format(record()).startswith("2023-11-14T17:13:20.250-05:00 I")
    service.use_zone("AEST-10AEDT,M10.1.0,M4.1.0/3")
    assert line.format(record()).startswith("2023-11-15T09:13:20.250+11:00 I")


def test_records_reach_the_ring_with_their_traceback(capsys):
    ring = LogRing()
    with logging_to(ring) as log:
        log.info("one %s", 1)
        try:
            _ = 1 // 0
        except ZeroDivisionError:
            log.exception("failed")
    lines, count = ring.lines()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+[+-]\d\d:\d\d I evsed\.test: one 1", lines[0])
    assert " E evsed.test: failed" in lines[1]
    assert lines[-1].startswith("  ZeroDivisionError: integer division")
    assert count == len(lines)
    assert "ZeroDivisionError: integer division" in capsys.readouterr().err


BAD_RECORD = textwrap.dedent("""
    import logging
    from evsed.services.log.handlers import log_from_a_thread
    from evsed.services.log.ring import LogRing
    ring = LogRing()
    with log_from_a_thread(logging.INFO, ring):
        logging.getLogger("evsed.test").info("%d", "not a number")
        logging.getLogger("evsed.test").info("after")
    print(*ring.lines()[0])
""")


def test_a_record_that_cannot_be_formatted_harms_nothing():
    run = subprocess.run(
        [sys.executable, "-c", BAD_RECORD], capture_output=True, check=True, text=True
    )
    assert run.stdout.endswith("evsed.test: after\n")
    assert run.stdout.count("\n") == 1


def test_without_a_journal_standard_error_is_plain(monkeypatch, capsys):
    monkeypatch.setenv("JOURNAL_STREAM", "1:1")  # somebody else's
    with logging_to(LogRing()) as log:
        log.warning("look")
    assert re.search(r"^\d{4}.* WARNING  evsed\.test: look$", capsys.readouterr().err, re.M)


def test_each_line_for_the_journal_carries_its_priority():
    assert PriorityFormat().format(record(logging.ERROR, "a\nb")) == "<3>evsed.x: a\n<3>b"


PROGRAM = textwrap.dedent("""
    import logging, os, sys
    found = os.fstat(2)
    os.environ["JOURNAL_STREAM"] = f"{found.st_dev}:{found.st_ino}"
    sys.modules["systemd"] = sys.modules["systemd.journal"] = None
    from evsed.services.log.handlers import log_from_a_thread
    with log_from_a_thread(logging.INFO):
        logging.getLogger("evsed.test").warning("look")
""")


def test_a_journal_without_its_library_is_told_the_priority_on_standard_error():
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, check=True, text=True
    )
    assert run.stderr == "<4>evsed.test: look\n"


def test_a_journal_with_its_library_is_written_to_through_it(monkeypatch):
    sent = []

    class JournalHandler(logging.Handler):
        def __init__(self, level=logging.NOTSET, **fields):
            super().__init__(level)
            self.fields = fields

        def emit(self, one):
            sent.append((self.fields, one.levelno, self.format(one)))

    journal = types.ModuleType("systemd.journal")
    journal.JournalHandler = JournalHandler
    monkeypatch.setitem(sys.modules, "systemd", types.ModuleType("systemd"))
    monkeypatch.setitem(sys.modules, "systemd.journal", journal)
    with open(os.devnull, "w") as stream:  # noqa: PTH123  # any file with a number of its own
        found = os.fstat(stream.fileno())
        monkeypatch.setattr(sys, "stderr", stream)
        monkeypatch.setenv("JOURNAL_STREAM", f"{found.st_dev}:{found.st_ino}")
        with logging_to(None) as log:
            log.error("look")
    assert sent == [({"SYSLOG_IDENTIFIER": "evsed"}, logging.ERROR, "evsed.test: look")]
