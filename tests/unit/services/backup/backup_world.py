"""A desk with settings and files to back up, and archives good and bad."""

import hashlib
import io
import json
import zipfile

from station_world import BOARD

from evsed.host.clock import ShiftedClock
from evsed.host.machine import Machine
from evsed.host.network import UnmanagedNetwork
from evsed.operations.operations import Operations
from evsed.services.backup.service import BackupService
from evsed.settings.store import SettingsStore
from evsed.station.station import ParkedStation

FILES = {
    "init.lua": b"print('hello')\n",
    "lua/grün & äöü 電.lua": b"-- \x00\xff" * 1000,
    "lua/empty": b"",
    ".hidden": b"x",
}


def desk(state_dir, station=None, board=BOARD):
    store = SettingsStore(state_dir, board)
    store.load()
    return Operations(
        station=station or ParkedStation("nothing fitted"),
        settings=store,
        board=board,
        machine=Machine(simulated=True),
        network=UnmanagedNetwork(),
        clock=ShiftedClock(),
    )


def service(state_dir, station=None, board=BOARD, **more):
    state_dir.mkdir(exist_ok=True)
    return BackupService(desk(state_dir, station, board), state_dir, **more)


def fill(tree, files=FILES):
    for name, data in files.items():
        path = tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    (tree / "empty folder").mkdir(parents=True)


def files_of(tree):
    """Return everything below a folder: bytes of files, None for folders."""
    return {
        str(path.relative_to(tree)): None if path.is_dir() else path.read_bytes()
        for path in tree.rglob("*")
    }


async def pieces_of(data, size=7000):
    for start in range(0, len(data), size):
        yield data[start : start + size]


async def made_by(backups):
    backup = await backups.create()
    data = b"".join([piece async for piece in backup.pieces()])
    assert len(data) == backup.size
    return data


def archive(
    files=None,
    settings=None,
    *,
    manifest=None,
    sums=None,
    members=(),
    method=zipfile.ZIP_DEFLATED,
):
    """Return an archive made by hand.

    Args:
        files: member names and bytes, all with their right checksums.
        settings: of settings.json.
        manifest: replaces keys of evsed-backup.json; None instead of a value removes one.
        sums: instead of the table of contents.
        members: further ``ZipInfo`` and bytes that no table of contents knows.
        method: how members are packed.
    """
    text = json.dumps({} if settings is None else settings).encode()
    inside = {"settings.json": text, **(files or {})}
    if sums is None:
        sums = "".join(
            f"#{name}\n" if name.endswith("/") else f"{hashlib.sha256(data).hexdigest()}  {name}\n"
            for name, data in inside.items()
        ).encode()
    table = {
        "format": 1,
        "version": "v0.1.0",
        "created": 1,
        "device": "test",
        "sums": hashlib.sha256(sums).hexdigest(),
    } | (manifest or {})
    table = {key: value for key, value in table.items() if value is not None}
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", method) as made:
        for name, data in (inside | {"SHA256SUMS": sums}).items():
            made.writestr(name, data)
        made.writestr("evsed-backup.json", json.dumps(table))
        for info, data in members:
            made.writestr(info, data)
    return target.getvalue()
