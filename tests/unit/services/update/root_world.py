"""A machine below a folder: the program that installs as root, and a fake package manager."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import fake_debian

PROGRAM = Path(__file__).parents[4] / "systemd/update"
QUICK = {
    "before-stop": 0,
    "ready": 1.5,
    "stable": 0.05,
    "again": 0.01,
    "command": 60,
    "others": 0.2,
}
_FAKED = ("apt-get", "dpkg", "dpkg-query", "systemctl")


class Root:
    """A machine on which a package is installed and running, and which trusts a key."""

    def __init__(self, path, key, installed):
        self.path = path
        self.staged = path / "var/lib/evsed/update"
        self.own = path / "var/lib/evsed-update"
        self.keys = path / "usr/share/evsed/keys.d"
        for folder in (self.staged, self.keys, path / "usr/bin", path / "etc/evsed"):
            folder.mkdir(parents=True)
        (path / "usr/lib").mkdir()
        (path / "lib").symlink_to("usr/lib")  # as on every Debian
        for name in _FAKED:
            program = path / "usr/bin" / name
            program.write_text(f"#!{sys.executable} -IS\n{Path(fake_debian.__file__).read_text()}")
            program.chmod(0o755)
        for name in ("dpkg-deb", "minisign"):
            (path / "usr/bin" / name).symlink_to(shutil.which(name))
        shutil.copy(key.public, self.keys / "release.pub")
        (path / "first.deb").write_bytes(installed)
        self.mood()
        self._fake("dpkg", "--install", path / "first.deb")
        self._fake("systemctl", "start", "evsed.service")
        (path / "calls").unlink()

    def mood(self, **mood):
        """Say how the fake machine behaves."""
        (self.path / "mood.json").write_text(json.dumps(mood))

    def stage(self, package, signature=None):
        """Put a package where the daemon does."""
        (self.staged / "evsed.deb").write_bytes(package)
        if signature is not None:
            (self.staged / "evsed.deb.minisig").write_bytes(signature)

    def run(self, *arguments, program=PROGRAM):
        """Run the program; return its exit status and what it said."""
        options = [word for name, s in QUICK.items() for word in (f"--{name}", str(s))]
        done = subprocess.run(
            [sys.executable, "-ISB", program, "--root", self.path, *options, *arguments],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        return done.returncode, done.stdout + done.stderr

    def reboot(self):
        """Start again after a power cut: the unit for interrupted updates has a condition."""
        mood = self._read("mood.json")
        self.mood(**{key: value for key, value in mood.items() if key not in {"cut", "half"}})
        if self.interrupted:
            self.run("--resume", program=self.own / "program")
        else:
            self._fake("systemctl", "start", "evsed.service")

    @property
    def interrupted(self):
        return (self.own / "journal.json").exists()

    @property
    def result(self):
        """Return outcome, version before, version wanted, and why."""
        found = self._read("var/lib/evsed-update/result.json")
        return found["outcome"], found["from"], found["to"], found["reason"]

    @property
    def running(self):
        """Return the version that is installed whole and started; None when there is none."""
        state = self._read("state.json")
        version = state["version"]
        files = ("usr/version", "usr/lib/unit")
        whole = all((self.path / file).read_text() == version for file in files)
        good = whole and state["up"] and state["status"] == fake_debian.CLEAN
        return version if good else None

    @property
    def calls(self):
        """Return every program that was run, with its arguments."""
        calls = self.path / "calls"
        return [json.loads(one) for one in calls.read_text().splitlines()] if calls.exists() else []

    def _fake(self, name, *arguments):
        subprocess.run([self.path / "usr/bin" / name, *arguments], check=True)

    def _read(self, name):
        return json.loads((self.path / name).read_text())
