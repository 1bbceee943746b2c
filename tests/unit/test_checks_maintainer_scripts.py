"""What the package's scripts do to a running charger, and leave behind; below a root of its own."""

import subprocess
from pathlib import Path

import pytest

DEBIAN = Path(__file__).parents[2] / "debian"
#: what debhelper puts in for the two services that run, in its order
_GENERATED = (
    "deb-systemd-invoke $action evsed-guard.service\ndeb-systemd-invoke $action evsed.service"
)
_TOOLS = ("deb-systemd-invoke", "systemd-sysusers", "udevadm")


def _ran(root: Path, script: str, *arguments: str, action: str = "start") -> list[str]:
    """Run a script of the package below a root; return the tools it called, in order."""
    tools, called = root / "tools", root / "called"
    tools.mkdir(exist_ok=True)
    called.write_text("")
    for name in _TOOLS:
        tool = tools / name
        tool.write_text(f'#!/bin/sh\necho {name} "$@" >>{called}\n')
        tool.chmod(0o755)
    text = (DEBIAN / script).read_text().replace("#DEBHELPER#", _GENERATED)
    for place in ("/run/", "/etc/", "/var/", "/usr/lib/"):
        text = text.replace(f" {place}", f" {root}{place}")
    (root / script).write_text(text)
    subprocess.run(
        ["sh", str(root / script), *arguments],
        env={"PATH": f"{tools}:/usr/bin:/bin", "action": action},
        check=True,
        timeout=60,
    )
    return called.read_text().splitlines()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return the root of a system that runs systemd, the service enabled."""
    (tmp_path / "run/systemd/system").mkdir(parents=True)
    wants = tmp_path / "etc/systemd/system/multi-user.target.wants"
    wants.mkdir(parents=True)
    (wants / "evsed.service").write_text("")
    return tmp_path


def test_an_upgrade_winds_charging_down_before_the_guard_is_exchanged(root: Path) -> None:
    services = [
        line
        for line in _ran(root, "evsed.postinst", "configure", "0.1.0", action="restart")
        if "evsed-guard.service" in line or "evsed.service" in line
    ]
    assert services == [
        "deb-systemd-invoke stop evsed.service",
        "deb-systemd-invoke restart evsed-guard.service",
        "deb-systemd-invoke restart evsed.service",
    ]


def test_a_first_installation_stops_nothing(root: Path) -> None:
    assert not [one for one in _ran(root, "evsed.postinst", "configure", "") if " stop " in one]


def test_a_service_that_would_not_be_started_again_is_not_stopped(root: Path) -> None:
    (root / "etc/systemd/system/multi-user.target.wants/evsed.service").unlink()
    called = _ran(root, "evsed.postinst", "configure", "0.1.0", action="restart")
    assert not [one for one in called if " stop " in one]


@pytest.mark.parametrize("where", ["var/lib/evsed", "var/lib/evsed-update", "etc/evsed"])
def test_a_purge_leaves_nothing_and_a_removal_everything(root: Path, where: str) -> None:
    (root / where / "deep").mkdir(parents=True)
    (root / where / "deep" / ".file").write_text("")
    _ran(root, "evsed.postrm", "remove")
    assert (root / where / "deep" / ".file").exists()
    _ran(root, "evsed.postrm", "purge")
    assert not (root / where).exists()
    _ran(root, "evsed.postrm", "purge")  # again, and with nothing there


def test_a_purge_follows_the_link_to_another_disk(root: Path) -> None:
    disk = root / "disk"
    disk.mkdir()
    (disk / "credentials.json").write_text("{}")
    (root / "var/lib").mkdir(parents=True)
    (root / "var/lib/evsed").symlink_to(disk)
    _ran(root, "evsed.postrm", "purge")
    assert not list(disk.iterdir())
    assert not (root / "var/lib/evsed").is_symlink()


@pytest.mark.parametrize("package", ["lua54", "ocpp"])
def test_what_root_has_compiled_goes_with_the_package(root: Path, package: str) -> None:
    folder = {"lua54": "lupa", "ocpp": "ocpp"}[package]
    cache = root / "usr/lib/evsed/vendor" / folder / "__pycache__"
    cache.mkdir(parents=True)
    (cache / "a.pyc").write_text("")
    deeper = cache.parent / "v16" / "__pycache__"
    if package == "ocpp":
        deeper.mkdir(parents=True)
    _ran(root, f"evsed-{package}.prerm", "remove")
    assert not cache.exists()
    assert not deeper.exists()
    _ran(root, f"evsed-{package}.prerm", "remove")
