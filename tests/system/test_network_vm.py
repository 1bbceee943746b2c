"""The network services of a real Debian, in a virtual machine; network_steps.py says what is asked.

Needs EVSED_MACHINE as README.md here has it, and in the machine ``evse-sim-wifi``, which makes two
simulated radios and an access point on one of them, and avahi-utils. EVSED_SLOW stretches limits.
Two libraries come from pip's index, in the versions of Debian 12.
"""

import os
import shlex
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
LIBRARIES = ("dbus-fast==1.84.2", "paho-mqtt==2.2.0")
BOARDS = "/opt/evsed/boards"
NETWORK = (
    *("station", "found_by_avahi", "clock", "wrong_settings", "hostile"),
    *("network_manager_restarts", "access_point", "access_point_and_clients", "restarts"),
)

_LONGEST_S = 7200

pytestmark = pytest.mark.system


def brought(folder: Path) -> list[Path]:
    """Return the files the machine needs: the program, its rights, what Debian's pool lacks."""
    with tarfile.open(folder / "source.tar", "w") as tar:
        for name in ("evsed", "boards", "etc"):
            tar.add(ROOT / name, name)
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    wheels = ["--only-binary", ":all:", "--python-version", "3.11"]
    platform = ["--platform", "manylinux_2_17_x86_64", "--platform", "manylinux2014_x86_64"]
    subprocess.run(
        [*command, *wheels, *platform, "--dest", str(folder), *LIBRARIES], check=True, timeout=300
    )
    rules = ROOT / "systemd" / "50-evsed.rules"
    return [folder / "source.tar", *folder.glob("*.whl"), rules, HERE / "network_steps.py"]


def in_the_machine(tmp_path: Path, board: str, *steps: str) -> str:
    files = [word for file in brought(tmp_path) for word in ("--file", str(file))]
    command = os.environ.get("EVSED_MACHINE")
    assert command, "EVSED_MACHINE is not set: tests/system/README.md says to what"
    slow = os.environ.get("EVSED_SLOW", "1")
    script = [str(HERE / "network_in_vm.sh"), f"{BOARDS}/{board}.yaml", slow, *steps]
    done = subprocess.run(
        [*shlex.split(command), "--suite", "bookworm", *files, *script],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_LONGEST_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    sys.stdout.write(done.stdout)
    return done.stdout


def test_the_services_of_a_real_debian_do_as_the_charger_asks(tmp_path: Path) -> None:
    output = in_the_machine(tmp_path, "full-three-phase", *NETWORK)
    assert "network: all as expected" in output


def test_a_session_does_not_follow_the_clock_of_the_machine(tmp_path: Path) -> None:
    output = in_the_machine(tmp_path, "sim", "clock_jumps")
    assert "network: all as expected" in output
