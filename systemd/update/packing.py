"""Makes a package of what is installed, as it is now: the way back, which needs no network."""

import shutil
import stat
import tempfile
from pathlib import Path
from typing import Final

from machine import Machine, settle

#: Scripts of an installed package, as dpkg keeps them, that a package brings. Source: deb(5).
_CONTROL_FILES: Final = ("preinst", "postinst", "prerm", "postrm", "triggers", "md5sums", "shlibs")


def pack_installed(machine: Machine, package: str, target: Path) -> None:
    """Write an installed package to a file again.

    /etc is left out: dpkg then keeps what the administrator has there, and remembers what was
    delivered, so that later versions still know what he has changed.

    Args:
        machine: where it is installed.
        package: its name.
        target: the file; the folder it is in is used for the work.

    Raises:
        RefusedError: dpkg refused.
        OSError: the disk failed.
    """
    with tempfile.TemporaryDirectory(dir=target.parent, prefix="pack-") as name:
        tree, packed = Path(name) / "tree", Path(name) / "packed.deb"
        (tree / "DEBIAN").mkdir(parents=True, mode=0o755)
        _write_control(machine, package, tree / "DEBIAN")
        listed = machine.run("dpkg-query", "--listfiles", package).splitlines()
        # A folder of the package may be a link on the machine: /lib is one to /usr/lib.
        folders = {path.rpartition("/")[0] for path in listed}
        for path in listed:
            if path.startswith("/") and path not in {"/.", "/etc"} and path[:5] != "/etc/":
                copy = tree / path.lstrip("/")
                _copy_entry(machine.path(path), copy, link=path not in folders)
        machine.run("dpkg-deb", "--root-owner-group", "-Zgzip", "--build", str(tree), str(packed))
        settle(packed)
        packed.replace(target)


def _write_control(machine: Machine, package: str, folder: Path) -> None:
    status = machine.run("dpkg-query", "--status", package)
    (folder / "control").write_text(_control_of(status), encoding="utf-8")
    for name in _CONTROL_FILES:
        kept = machine.path(f"/var/lib/dpkg/info/{package}.{name}")
        if kept.is_file():
            shutil.copy2(kept, folder / name)


def _copy_entry(source: Path, target: Path, *, link: bool) -> None:
    """Copy one folder, link or file of a package; what is gone is left out.

    Args:
        source: where it is installed.
        target: where it goes; the folders above it may not be there yet.
        link: what is a link on the machine is one in the package too.
    """
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
    if link and source.is_symlink():
        target.symlink_to(source.readlink())
    elif source.is_dir():
        target.mkdir(exist_ok=True)
        target.chmod(stat.S_IMODE(source.stat().st_mode))
    elif source.is_file():
        shutil.copy2(source, target)


def _control_of(status: str) -> str:
    """Return a package's control file from what dpkg knows about it."""
    kept: list[str] = []
    skipping = False
    for line in status.splitlines():
        if not line.startswith((" ", "\t")):
            skipping = line.partition(":")[0] in {"Status", "Conffiles", "Config-Version"}
        if line and not skipping:
            kept.append(line)
    return "\n".join(kept) + "\n"
