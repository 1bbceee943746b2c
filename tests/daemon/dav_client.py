"""A plain WebDAV client, and the directory trees that travel."""

import http.client
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from daemon_world import PATIENCE_S, Daemon, eventually

#: what people, and systems of people, call their files
AWKWARD = (
    "plain.lua",
    "with space.txt",
    "  leading and trailing ",
    "\u00fcml\u00e4ut \u00df.txt",
    "\U0001f50c\U0001f697.lua",
    "100%.txt",
    "%41%2F.txt",
    "#1 fragment?.txt",
    "a&b;c=d+e,f.txt",
    'quote\'s "double".txt',
    "<tag>.xml",
    "[1] {2} (3).txt",
    ".hidden",
    "~tilde^`|.txt",
    "\u4e2d\u6587.txt",
    "..two dots",
    "n" * 200 + ".txt",
)


def write_tree(folder: Path, names: tuple[str, ...] = AWKWARD) -> None:
    """Make a tree of two levels with a file of every name."""
    for name in names:
        below = folder / f"{name[:60]}.d" / "in"
        below.mkdir(parents=True)
        for where in (folder, below):
            (where / name).write_bytes(name.encode() * 3)
    (folder / "empty file").touch()
    (folder / "large.bin").write_bytes(bytes(range(256)) * 2000)


def content(folder: Path) -> dict[str, bytes]:
    """Return every file of a tree."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def request(
    daemon: Daemon,
    method: str,
    path: str,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
) -> tuple[int, bytes]:
    """Return status and body of one request."""
    connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=PATIENCE_S)
    try:
        connection.request(method, path, body or None, dict(headers or {}))
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def serves_files(daemon: Daemon) -> str:
    """Wait until there are files; return the address of the tree."""
    eventually(lambda: request(daemon, "OPTIONS", "/dav/usr/")[0] != 503)
    return f"http://127.0.0.1:{daemon.port}/dav/usr/"


def run(
    command: list[str], folder: Path, text: str = "", environment: Mapping[str, str] | None = None
) -> str:
    """Run a client in a folder; return all it says."""
    done = subprocess.run(
        command,
        cwd=folder,
        input=text,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "HOME": str(folder), **(environment or {})},
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    return said
