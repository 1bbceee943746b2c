"""The panic record: what is noted, what is not, and what a bad disk does to it."""

import faulthandler
import logging
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

import pytest

from evsed.errors import BadFileError
from evsed.services.log.panic import PanicLog
from evsed.services.log.panic_file import MAX_BYTES, PanicFile, Record
from evsed.services.log.service import LogService


@pytest.fixture(autouse=True)
def _crash_reports_of_the_test_run():
    yield
    faulthandler.enable(sys.__stderr__)


def run_that(state_dir, body):
    """Run a process that keeps watch, and return its exit status."""
    program = textwrap.dedent("""
        import os, signal, sys
        from pathlib import Path
        from evsed.services.log.panic import PanicLog
        with PanicLog(Path(sys.argv[1]), "1.2.3") as panic:
    """) + textwrap.indent(textwrap.dedent(body), "    ")
    run = subprocess.run(
        [sys.executable, "-c", program, str(state_dir)], capture_output=True, check=False
    )
    return run.returncode


def next_start(state_dir):
    panic = PanicLog(state_dir, "1.2.4")
    with panic:
        return panic.read()


def test_without_a_panic_there_is_no_record(tmp_path):
    assert next_start(tmp_path) == ("", 0)
    assert next_start(tmp_path) == ("", 0)
    assert list(tmp_path.iterdir()) == []


def test_an_abort_leaves_the_stacks_and_the_time_of_the_crash(tmp_path):
    assert run_that(tmp_path, "os.kill(os.getpid(), signal.SIGABRT)") == -signal.SIGABRT
    crashed_s = time.time()
    os.utime(tmp_path / "running", (0, 0))
    text, at_s = next_start(tmp_path)
    assert "a deadly signal" in text
    assert 'File "<string>"' in text
    assert abs(at_s - crashed_s) <= 5


def test_the_time_is_that_of_the_crash_and_not_of_the_next_start(tmp_path):
    run_that(tmp_path, "os.kill(os.getpid(), signal.SIGABRT)")
    os.utime(tmp_path / "panic.trace", (1_700_000_000, 1_700_000_000))
    assert next_start(tmp_path)[1] == 1_700_000_000


def test_a_record_stays_until_it_is_cleared(tmp_path):
    run_that(tmp_path, "os.kill(os.getpid(), signal.SIGSEGV)")
    first = next_start(tmp_path)
    assert next_start(tmp_path) == first
    panic = PanicLog(tmp_path, "1")
    with panic:
        panic.clear()
        assert panic.read() == ("", 0)
    assert next_start(tmp_path) == ("", 0)


def test_a_kill_is_noticed_at_the_next_start(tmp_path):
    assert run_that(tmp_path, "os.kill(os.getpid(), signal.SIGKILL)") == -signal.SIGKILL
    text, at_s = next_start(tmp_path)
    assert "killed" in text
    assert abs(at_s - time.time()) <= 5


def test_an_exception_nobody_caught_is_recorded_with_its_traceback(tmp_path):
    assert run_that(tmp_path, "raise ZeroDivisionError('a bug')") == 1
    text, at_s = next_start(tmp_path)
    assert "ZeroDivisionError: a bug" in text
    assert text.startswith("evsed v1.2.3, ")
    assert abs(at_s - time.time()) <= 5


def test_the_end_of_a_thread_by_an_exception_is_recorded_and_logged(tmp_path, caplog):
    with PanicLog(tmp_path, "1") as panic:
        thread = threading.Thread(target=lambda: 1 // 0, name="evsed-odd")
        thread.start()
        thread.join()
        text, _ = panic.read()
    assert "evsed-odd" in text
    assert "ZeroDivisionError" in text
    assert any(record.levelno == logging.CRITICAL for record in caplog.records)


def test_an_end_with_a_failure_carries_the_last_lines_of_the_log(tmp_path):
    with PanicLog(tmp_path, "1") as panic:
        panic.ended(1, [f"line {number}" for number in range(500)])
    text, _ = next_start(tmp_path)
    assert "ended with status 1" in text
    assert text.endswith("line 499\n")
    assert "line 100\n" not in text


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, BadFileError])
def test_being_asked_to_end_is_no_panic(tmp_path, error):
    with pytest.raises(error), PanicLog(tmp_path, "1"):
        raise error
    assert next_start(tmp_path) == ("", 0)


def machine(root, *, boot, reset):
    (root / "proc/sys/kernel/random").mkdir(parents=True, exist_ok=True)
    (root / "proc/sys/kernel/random/boot_id").write_text(f"{boot}\n")
    (root / "sys/class/watchdog/watchdog0").mkdir(parents=True, exist_ok=True)
    (root / "sys/class/watchdog/watchdog0/bootstatus").write_text(f"{reset}\n")
    return root


@pytest.mark.parametrize(("status", "words"), [(32, "watchdog"), (0, ""), (1, "")])
def test_after_a_power_cut_there_is_no_panic_but_after_a_watchdog_reset(tmp_path, status, words):
    state, root = tmp_path / "state", tmp_path / "root"
    state.mkdir()
    (state / "running").write_text("boot one\n")
    panic = PanicLog(state, "1", machine(root, boot="boot two", reset=status))
    with panic:
        text, at_s = panic.read()
    assert words in text
    assert bool(text) == bool(at_s) == bool(words)


def test_without_a_disk_the_record_is_kept_in_memory(tmp_path, caplog):
    (tmp_path / "file").write_text("no folder")
    with PanicLog(tmp_path / "file", "1") as panic:
        panic.ended(1, ["why"])
        assert "why" in panic.read()[0]
    assert "nothing can be kept" in caplog.text


def test_a_record_is_never_longer_than_16_kib(tmp_path):
    file = PanicFile(tmp_path / "panic.log")
    file.write(Record(text="begin " + "ü" * 40_000 + " end", at_s=5))
    again = PanicFile(tmp_path / "panic.log")
    again.load()
    text, at_s = again.read()
    assert len(text.encode()) <= MAX_BYTES
    assert text.startswith("begin")
    assert text.endswith(" end")
    assert at_s == 5


def test_a_record_of_another_make_is_shown_as_it_is(tmp_path):
    (tmp_path / "panic.log").write_bytes(b"\xff\x00 something else\n")
    file = PanicFile(tmp_path / "panic.log")
    file.load()
    assert "something else" in file.read()[0]
    assert abs(file.read()[1] - time.time()) < 60


def test_the_service_shows_and_clears_the_record(tmp_path):
    with PanicLog(tmp_path, "1") as panic:
        service = LogService(panic=panic)
        service.ring.append("the cause")
        service.ended(3)
        assert "the cause" in service.panic()[0]
        service.clear_panic()
        assert service.panic() == ("", 0)
    assert LogService().panic() == ("", 0)
