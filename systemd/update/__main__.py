"""Installs the package that the daemon has staged, and goes back to the old one if it fails.

The only part of evsed that runs as root. It is started by ``evsed-update.service`` and takes no
orders but two files in the daemon's folder, about which it believes nothing. The standard library
alone, in a folder of its own that knows nothing of the daemon's code: a copy of it has to finish
the work after a power cut, whatever the new package has made of everything else.

    take, verify -> pack what is installed -> stop the daemon -> install -> start, wait for ready
                                                                  `-> no: old package -> start

Exit status 0: installed, or nothing to do; 1: the old version is in place and runs; 2: neither.
docs/decisions/0022 says why it is done this way.
"""

import argparse
import os
import shutil
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Final

from machine import Machine, Patience, RefusedError, plain, say, settle
from packing import pack_installed
from records import Entry, Records
from taking import PACKAGE, SIGNATURE, STAGED, taken

_SERVICE: Final = "evsed.service"
_ATTEMPTS: Final = 5
#: A daemon that ends so often before it is ready will not be.
_RESTARTS: Final = 5
#: What the administrator has changed in /etc stays as it is.
_KEEP_CONFIGURATION: Final = ("--force-confdef", "--force-confold")
_APT: Final = (
    "--quiet",
    "--yes",
    "--no-remove",
    "--reinstall",
    "--allow-downgrades",
    "--no-install-recommends",
    "--option=DPkg::Lock::Timeout=300",
    *(f"--option=Dpkg::Options::={one}" for one in _KEEP_CONFIGURATION),
    "install",
)


class Update:
    """One installation."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._own = machine.path("/var/lib/evsed-update")
        self._old = self._own / "previous.deb"
        self._records = Records(self._own)

    def run(self) -> int:
        """Install what is staged; return the exit status."""
        with self._records.alone():
            if self._records.interrupted:
                self._finish()
            try:
                entry = self._prepared()
            except (RefusedError, OSError) as error:
                refused = Entry("refused", "", "", plain(str(error)))
                self._records.end(refused, over=not self._records.interrupted)
                return 1
            finally:
                (self._own / SIGNATURE).unlink(missing_ok=True)
            return self._installed(entry)

    def resume(self) -> int:
        """Finish what a power cut or a crash has interrupted; return the exit status."""
        with self._records.alone():
            return self._finish() if self._records.interrupted else 0

    def _prepared(self) -> Entry:
        """Have everything there that is needed, also for the way back; nothing has changed yet."""
        if self._records.interrupted:
            raise RefusedError("an earlier update could neither be finished nor undone")
        version = taken(self._machine, self._machine.path("/var/lib/evsed/update"), self._own)
        before = self._machine.run("dpkg-query", "--show", "--showformat=${Version}", PACKAGE)
        pack_installed(self._machine, PACKAGE, self._old)
        # The new package replaces this very folder.
        shutil.rmtree(self._own / "program", ignore_errors=True)
        shutil.copytree(Path(__file__).parent, self._own / "program")
        for file in (self._own / "program").iterdir():
            settle(file)
        settle(self._own)
        self._machine.wait_for_others()
        return Entry("installing", before.strip(), version)

    def _installed(self, entry: Entry) -> int:
        say(f"installing {entry.version} over {entry.before}")
        self._records.note(entry)
        try:
            time.sleep(self._machine.patience.before_stop_s)
            # Winds charging down: the contactor is open before a file is touched.
            self._machine.run("systemctl", "stop", _SERVICE)
            self._machine.run("apt-get", *_APT, str(self._own / STAGED))
            self._check_installed(entry.version)
        except RefusedError as error:
            return self._undone(entry, plain(str(error)))
        waiting = replace(entry, step="waiting")
        self._records.note(waiting)
        return self._judged(waiting)

    def _judged(self, entry: Entry) -> int:
        """Wait for the new daemon; go back when it does not become ready."""
        self._start()
        if not self._ready():
            return self._undone(entry, "the new version did not become ready")
        self._end("installed", entry)
        return 0

    def _undone(self, entry: Entry, why: str) -> int:
        """Put the old package back; return 1, or 2 when even that has failed."""
        say(f"going back to {entry.before}: {why}")
        entry = replace(entry, step="undoing", why=why)
        self._records.note(entry)
        back = self._put_back()
        self._start()
        if back and self._ready():
            self._end("undone", entry)
            return 1
        # Not put back: the journal stays, and the next boot tries again.
        self._end("failed", replace(entry, why=f"{why}; and going back failed"), over=back)
        return 2

    def _put_back(self) -> bool:
        """Try several times: somebody else may be installing, or the disk be full for a while."""
        for attempt in range(_ATTEMPTS):
            if attempt:
                time.sleep(self._machine.patience.again_s)
            try:
                self._machine.run("systemctl", "stop", _SERVICE)
                self._machine.run("dpkg", *_KEEP_CONFIGURATION, "--install", str(self._old))
            except RefusedError as error:
                say(str(error))
            else:
                return True
        return False

    def _finish(self) -> int:
        """Go on where the journal says that it stopped."""
        entry = self._records.read()
        say(f"an update was interrupted: {entry.step} {entry.version}")
        if entry.step == "waiting":
            return self._judged(entry)
        return self._undone(entry, entry.why or "the installation was interrupted")

    def _end(self, outcome: str, entry: Entry, *, over: bool = True) -> None:
        self._records.end(replace(entry, step=outcome), over=over)
        (self._own / STAGED).unlink(missing_ok=True)

    def _check_installed(self, version: str) -> None:
        wanted = "--showformat=${Version} ${Status}"
        shown = self._machine.run("dpkg-query", "--show", wanted, PACKAGE)
        if shown.strip() != f"{version} install ok installed":
            raise RefusedError(f"afterwards the package manager says {plain(shown)!r}")

    def _start(self) -> None:
        try:
            self._machine.run("systemctl", "--no-block", "start", _SERVICE)
        except RefusedError as error:
            say(str(error))

    def _ready(self) -> bool:
        """Tell whether the daemon becomes ready and stays so, without being started anew."""
        patience = self._machine.patience
        give_up = time.monotonic() + patience.ready_s
        ready, since, before = "", 0.0, None
        while time.monotonic() < give_up:
            now, restarts = self._daemon()
            before = restarts if before is None else min(before, restarts)
            if restarts - before >= _RESTARTS:
                return False
            if now != ready:
                ready, since = now, time.monotonic()
            elif ready and time.monotonic() - since >= patience.stable_s:
                return True
            time.sleep(min(1.0, patience.stable_s / 4))
        return False

    def _daemon(self) -> tuple[str, int]:
        """Return the name of the daemon's run that is ready, and how often it was restarted."""
        wanted = "--property=ActiveState,InvocationID,NRestarts"
        try:
            shown = self._machine.run("systemctl", "show", wanted, _SERVICE)
        except RefusedError:
            return "", 0
        found = dict(line.split("=", 1) for line in shown.splitlines() if "=" in line)
        ready = found.get("InvocationID", "") if found.get("ActiveState") == "active" else ""
        return ready, int(found.get("NRestarts") or 0)


def main(arguments: list[str] | None = None) -> int:
    """Run as the units ask; return the exit status."""
    parser = argparse.ArgumentParser(prog="update", description="Install what the daemon staged.")
    parser.add_argument("--resume", action="store_true", help="finish what was interrupted")
    parser.add_argument("--root", type=Path, default=Path("/"), help="for tests")
    for name, default in vars(Patience()).items():
        option = f"--{name.removesuffix('_s').replace('_', '-')}"
        parser.add_argument(option, dest=name, type=float, default=default, metavar="S")
    given = parser.parse_args(arguments)
    os.umask(0o022)
    patience = Patience(**{name: getattr(given, name) for name in vars(Patience())})
    update = Update(Machine(given.root, patience))
    return update.resume() if given.resume else update.run()


if __name__ == "__main__":
    sys.exit(main())
