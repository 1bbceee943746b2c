"""What a channel offers: one small JSON object. Pure. Source: rest.md section 9.

``{"version": "v0.2.0", "path": URL, "sha256": ..., "size": ..., "architecture": "arm64"}``, or
instead of the last four ``"packages": {"arm64": {"path": URL, "sha256": ..., "size": ...}}``.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from evsed.errors import UpdateError

MAX_BYTES: Final = 65536

_VERSION: Final = re.compile(r"[!-~]{1,64}")
_SHA256: Final = re.compile(r"[0-9a-fA-F]{64}")
_ALL: Final = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """A package to fetch.

    Args:
        path: URL, perhaps relative to that of the descriptor.
        sha256: hexadecimal, lower case.
        size: bytes; None when it is not told.
    """

    path: str
    sha256: str
    size: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Descriptor:
    """What is offered: a version, and where its packages are."""

    version: str
    content: Mapping[str, object]

    def download(self, architecture: str) -> Download:
        """Return the package for a machine.

        Raises:
            UpdateError: 521, there is none, or it is not described completely.
        """
        entry = self._entry(architecture)
        path, sha256, size = (entry.get(key) for key in ("path", "sha256", "size"))
        if not isinstance(path, str) or not path:
            raise UpdateError(521, "the channel does not say where the package is")
        if not isinstance(sha256, str) or not _SHA256.fullmatch(sha256):
            raise UpdateError(521, "the channel does not say the package's sha256")
        if size is not None and (type(size) is not int or size < 1):
            raise UpdateError(521, "the channel's size of the package is no size")
        return Download(path=path, sha256=sha256.lower(), size=size)

    def _entry(self, architecture: str) -> Mapping[str, object]:
        packages = self.content.get("packages")
        if isinstance(packages, dict):
            entry = packages.get(architecture, packages.get(_ALL))
        else:
            named = self.content.get("architecture", _ALL)
            entry = self.content if named in (architecture, _ALL) else None
        if not isinstance(entry, dict):
            raise UpdateError(521, f"the channel has no package for {architecture}")
        return entry


def read_descriptor(data: bytes) -> Descriptor:
    """Return what a channel's descriptor says; keys not known here are left alone.

    Raises:
        UpdateError: 520, it is no JSON object, or one without a version.
    """
    if len(data) > MAX_BYTES:
        raise UpdateError(520, f"the channel's descriptor is larger than {MAX_BYTES} bytes")
    try:
        content = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise UpdateError(520, "the channel's descriptor is not JSON") from None
    version = content.get("version") if isinstance(content, dict) else None
    if not isinstance(version, str) or not _VERSION.fullmatch(version):
        raise UpdateError(520, "the channel's descriptor has no version")
    return Descriptor(version=version, content=content)
