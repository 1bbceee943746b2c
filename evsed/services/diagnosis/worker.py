"""Packs a diagnosis in a process of its own, as compressing megabytes would hold up the daemon.

On its standard input come lines of JSON, either a piece of a text to pack or a file to read:
``{"name": "log.txt", "text": "..."}``, ``{"name": "board.yaml", "file": "/etc/..."}``. On its
standard output comes the archive, which is never written to a disk: it may be a full one.
"""

import io
import json
import os
import re
import sys
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Final

MAX_FILE_BYTES: Final = 2 * 1024 * 1024
_NICE: Final = 10
_FOLDER: Final = "evsed-diagnosis/"
#: User and password in an address: a channel of updates may have them.
_SIGNED_IN: Final = re.compile(rb"(://)[^/@\s]+@")


def pack(lines: Iterable[bytes], target: IO[bytes]) -> None:
    """Write the archive of everything the lines name; what cannot be read says why instead."""
    texts: dict[str, list[bytes]] = {}
    for line in lines:
        entry = json.loads(line)
        body = entry["text"].encode() if "text" in entry else _read(Path(entry["file"]))
        texts.setdefault(entry["name"], []).append(_SIGNED_IN.sub(rb"\1***@", body))
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, pieces in texts.items():
            packed.writestr(_FOLDER + name, b"".join(pieces))
    target.write(archive.getvalue())
    target.flush()


def _read(path: Path) -> bytes:
    """Return the end of a file: the newest is there."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - MAX_FILE_BYTES))
            return file.read()
    except OSError as error:
        return f"cannot be read: {error.strerror}\n".encode()


if __name__ == "__main__":
    os.nice(_NICE)
    pack(sys.stdin.buffer, sys.stdout.buffer)
