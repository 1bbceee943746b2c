"""The panic record: how the daemon last ended when it should not have.

Three files in the state directory: ``panic.log`` is the record shown to users; ``panic.trace`` is
held open for ``faulthandler``, which writes into it while the process dies; ``running`` is there as
long as the daemon runs, so that the next start notices an end that was not an orderly one.

Source: rest.md section 5.5; platform.md section 6.3.
"""

import faulthandler
import logging
import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TextIO

from evsed.errors import EvsedError
from evsed.services.log.panic_file import MAX_BYTES, PanicFile, Record
from evsed.settings.files import replace_file

#: The bit of a watchdog's ``bootstatus`` that says: it has reset this computer. WDIOF_CARDRESET.
_CARD_RESET: Final = 0x20
_LOG_LINES: Final = 60

_log = logging.getLogger(__name__)


class PanicLog:
    """Notes uncaught exceptions, deadly signals, ends with a failure, and watchdog resets.

    A context: entered at the start, left at the end. Entering, leaving and noting never raise: what
    cannot be kept on disk is kept in memory.

    Args:
        state_dir: where the files are.
        version: of the daemon, for the record.
        root: where /proc and /sys are; another folder in tests.
    """

    def __init__(self, state_dir: Path, version: str, root: Path = Path("/")) -> None:
        self._file = PanicFile(state_dir / "panic.log")
        self._trace_path = state_dir / "panic.trace"
        self._mark = state_dir / "running"
        self._version = version
        self._root = root
        self._trace: TextIO | None = None
        self._noted = False
        self._hook_before: Callable[[threading.ExceptHookArgs], object] = threading.excepthook

    def read(self) -> tuple[str, int]:
        """Return the record and its time, Unix seconds; nothing and 0 when there is none."""
        return self._file.read()

    def clear(self) -> None:
        """Forget the record; waits for the disk.

        Raises:
            OSError: it could not be removed, and stays.
        """
        self._file.clear()

    def ended(self, status: int, lines: Sequence[str]) -> None:
        """Note an end with a failure, unless the exception behind it has been noted.

        Args:
            status: what the process ends with; 0 is no failure.
            lines: the log; the end of it goes into the record.
        """
        if status and not self._noted:
            self._note(f"ended with status {status}", "\n".join(lines[-_LOG_LINES:]))

    def __enter__(self) -> Self:
        """Judge how the run before this one ended, then keep watch over this one."""
        self._file.load()
        ended = self._end_before()
        if ended is not None:
            self._file.write(ended)
            _log.error("the run before this one failed: %s", ended.text.partition("\n")[0])
        self._arm()
        self._hook_before = threading.excepthook
        threading.excepthook = self._thread_failed
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the watch; an exception that comes through here is one nobody caught."""
        if error is not None and isinstance(error, Exception) and not isinstance(error, EvsedError):
            self._note("an exception nobody caught", _traceback(error))
        threading.excepthook = self._hook_before
        self._disarm()

    def _thread_failed(self, failed: threading.ExceptHookArgs) -> None:
        """Note it; the process goes on, unless the thread is one it cannot do without."""
        error = failed.exc_value
        if error is None or isinstance(error, SystemExit):
            return
        name = "of no name" if failed.thread is None else failed.thread.name
        text = _traceback(error)
        _log.critical("thread %s failed:\n%s", name, text)
        self._note(f"an exception nobody caught in thread {name}", text)

    def _note(self, what: str, text: str) -> None:
        self._noted = True
        self._file.write(self._record(what, text, time.time()))
        self._remove(self._mark)  # the next start has nothing to add

    def _record(self, what: str, text: str, at_s: float) -> Record:
        when = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(at_s))
        head = f"evsed v{self._version}, {when}: {what}\n"
        return Record(text=head + text + ("\n" if text else ""), at_s=int(at_s))

    def _end_before(self) -> Record | None:
        """Return what became of the run before this one; None when it ended in order."""
        mark, trace = _read(self._mark), _read(self._trace_path)
        if trace:
            return self._record("a deadly signal", trace, _modified_s(self._trace_path))
        if mark is None:
            return None
        if mark.strip() == self._boot_id():
            return self._record("killed without leaving a trace", "", time.time())
        if self._reset_by_watchdog():
            return self._record("the computer was reset by its watchdog", "", time.time())
        _log.warning("the computer went down without ending the daemon: a loss of power?")
        return None

    def _arm(self) -> None:
        try:
            self._mark.parent.mkdir(parents=True, exist_ok=True)
            replace_file(self._mark, f"{self._boot_id()}\n".encode())
            self._trace = self._trace_path.open("w", encoding="utf-8")
        except OSError as error:
            _log.error("panic record: nothing can be kept: %s", error)
            self._trace = None
        faulthandler.enable(self._trace or sys.__stderr__ or sys.stderr)

    def _disarm(self) -> None:
        faulthandler.disable()
        if self._trace is not None:
            self._trace.close()
            self._trace = None
        self._remove(self._trace_path)
        self._remove(self._mark)

    def _remove(self, path: Path) -> None:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            _log.error("panic record: %s cannot be removed: %s", path, error.strerror)

    def _boot_id(self) -> str:
        return (_read(self._root / "proc/sys/kernel/random/boot_id") or "unknown").strip()

    def _reset_by_watchdog(self) -> bool:
        status = (_read(self._root / "sys/class/watchdog/watchdog0/bootstatus") or "").strip()
        return status.isdigit() and bool(int(status) & _CARD_RESET)


def _traceback(error: BaseException) -> str:
    return "".join(traceback.format_exception(error)).rstrip("\n")


def _read(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return file.read(2 * MAX_BYTES).decode("utf-8", errors="replace")
    except OSError:
        return None


def _modified_s(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return time.time()
