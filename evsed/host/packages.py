"""Installing our own package, which only root may do."""

import platform
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from evsed.errors import EvsedError

#: Debian's name for an architecture, by the triplet its Python was built for.
_BY_TRIPLET: Final = {
    "aarch64-linux-gnu": "arm64",
    "arm-linux-gnueabihf": "armhf",
    "arm-linux-gnueabi": "armel",
    "x86_64-linux-gnu": "amd64",
    "i386-linux-gnu": "i386",
    "riscv64-linux-gnu": "riscv64",
}
_BY_MACHINE: Final = {
    "aarch64": "arm64",
    "armv6l": "armhf",
    "armv7l": "armhf",
    "x86_64": "amd64",
    "i686": "i386",
    "riscv64": "riscv64",
}


class InstallError(EvsedError):
    """An installation could not be started; what was running goes on running."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How the newest installation ended.

    Args:
        outcome: installed; undone, the old version runs again; refused, nothing was changed;
            failed, neither version could be made to run.
        before: the version before it; empty when it was refused.
        version: the version that was to be installed; empty when it was refused.
        reason: why it was not installed.
        at_s: Unix time.
    """

    outcome: str
    before: str
    version: str
    reason: str
    at_s: int


class Packages(Protocol):
    """The system's package manager, for one package: this one."""

    @property
    def architecture(self) -> str:
        """Debian's name for what this machine runs, such as arm64."""

    async def install(self, file: Path) -> None:
        """Have a verified package installed, beginning in about a second.

        Args:
            file: the package; its signature is beside it, as ``NAME.minisig``. Both are read by
                whoever installs, who verifies them again.

        Raises:
            InstallError: it was not started.
        """

    async def busy(self) -> bool:
        """Tell whether an installation is going on."""

    async def outcome(self) -> Outcome | None:
        """Return how the newest one ended; None when there was none."""


class NoInstaller:
    """``Packages`` where nothing may install: started by hand, or without our system units."""

    @property
    def architecture(self) -> str:
        """Debian's name for what this machine runs."""
        return debian_architecture()

    async def install(self, file: Path) -> None:
        """Refuse."""
        raise InstallError(
            f"{file.name} is good, but this installation has nothing that may install it; "
            "install it as root with apt"
        )

    async def busy(self) -> bool:
        """Tell that nothing is."""
        return False

    async def outcome(self) -> Outcome | None:
        """Return nothing."""
        return None


def debian_architecture() -> str:
    """Return Debian's name for what the running interpreter was built for."""
    triplet = str(sysconfig.get_config_var("MULTIARCH"))
    return _BY_TRIPLET.get(triplet) or _BY_MACHINE.get(platform.machine(), platform.machine())
