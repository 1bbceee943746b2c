"""The programs of Debian and the disk, as the updater uses them. Nothing of it knows an order."""

import fcntl
import os
import stat
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

OTHERS_WRITE: Final = stat.S_IWGRP | stat.S_IWOTH
_ENVIRONMENT: Final = {
    "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
    "LC_ALL": "C.UTF-8",
    "HOME": "/root",
    "DEBIAN_FRONTEND": "noninteractive",
}


class RefusedError(Exception):
    """The package is not installed; nothing has changed."""


@dataclass(frozen=True)
class Patience:
    """Times in seconds.

    Args:
        before_stop_s: so that the daemon's answer to whoever sent the package still leaves.
        ready_s: how long the daemon may take to become ready.
        stable_s: how long it has to stay so, without being started anew.
        command_s: for one command of the package manager.
        again_s: between two attempts to put the old package back.
        others_s: for somebody else who is installing packages.
    """

    before_stop_s: float = 1.0
    ready_s: float = 120.0
    stable_s: float = 10.0
    command_s: float = 1200.0
    again_s: float = 15.0
    others_s: float = 300.0


@dataclass(frozen=True)
class Machine:
    """The file system and the programs of Debian; in tests below another root."""

    root: Path = Path("/")
    patience: Patience = field(default_factory=Patience)

    def path(self, absolute: str) -> Path:
        """Return where a path of the installed system is."""
        return self.root / absolute.lstrip("/")

    def wait_for_others(self) -> None:
        """Wait until nobody else installs packages: the charger is not stopped for that long.

        Raises:
            RefusedError: somebody still does.
        """
        lock = self.path("/var/lib/dpkg/lock-frontend")
        if not lock.exists():
            return
        give_up_s = time.monotonic() + self.patience.others_s
        with lock.open("r+b") as opened:
            while True:
                try:
                    fcntl.lockf(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except OSError as error:
                    if time.monotonic() > give_up_s:
                        raise RefusedError("somebody else is installing packages") from error
                    time.sleep(min(2.0, self.patience.others_s / 4))
                else:
                    return

    def run(self, program: str, *arguments: str) -> str:
        """Run a program of /usr/bin without a shell; return what it printed.

        Raises:
            RefusedError: it failed, took too long, or is not there; with its last words.
        """
        command = [str(self.path(f"/usr/bin/{program}")), *arguments]
        try:
            done = subprocess.run(
                command,
                env=_ENVIRONMENT,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=self.patience.command_s,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise RefusedError(f"{program}: {plain(str(error))}") from error
        if done.returncode:
            words = done.stderr.decode(errors="replace").strip().splitlines() or ["no reason given"]
            raise RefusedError(f"{program} ended with {done.returncode}: {plain(words[-1])}")
        return done.stdout.decode(errors="replace")


def settle(path: Path) -> None:
    """Wait until a file or a folder is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def plain(text: str) -> str:
    """Return a text from outside as one short line of ASCII."""
    return ascii(text)[1:-1][:200]


def say(line: str) -> None:
    """Print a line for the journal."""
    print(f"evsed-update: {line}", flush=True)
