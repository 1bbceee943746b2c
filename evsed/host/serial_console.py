"""Whether the system's console or a login prompt uses a serial device. Source: serial.md 6."""

import os
from pathlib import Path
from typing import Final

#: systemd's name for the group of login prompts; a prompt that runs has a folder in it
_PROMPTS: Final = "sys/fs/cgroup/system.slice/system-serial\\x2dgetty.slice"


def console_user(device: str, root: Path = Path("/")) -> str | None:
    """Return who uses a device, and how to free it; None when it is free.

    Args:
        device: path below /dev, perhaps a link.
        root: where /proc and /sys are; another folder in tests.
    """
    name = Path(os.path.realpath(device)).name
    if name in _consoles(root):
        return (
            f"it is the system's console: remove console={Path(device).name} (or console={name}) "
            "from the kernel's command line and restart the machine"
        )
    unit = f"serial-getty@{name}.service"
    if (root / _PROMPTS / unit).exists():
        return f"a login prompt runs on it: systemctl disable --now {unit}"
    return None


def _consoles(root: Path) -> list[str]:
    try:
        lines = (root / "proc/consoles").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return []
    return [line.split()[0] for line in lines if line.strip()]
