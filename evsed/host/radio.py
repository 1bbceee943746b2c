"""What the kernel tells about radios without being asked for rights.

How many stations an access point has comes from the kernel's nl80211 interface, as ``iw dev DEVICE
station dump`` shows it; NetworkManager does not tell. Source: linux/nl80211.h, linux/genetlink.h.
"""

import asyncio
import contextlib
import errno
import socket
import struct
from pathlib import Path
from typing import Final

_NLMSG: Final = struct.Struct("=IHHII")
_GENERIC: Final = struct.Struct("=BBH")
_ATTRIBUTE: Final = struct.Struct("=HH")
_NETLINK_GENERIC: Final = 16
_NLM_F_REQUEST: Final = 1
_NLM_F_DUMP: Final = 0x300
_NLMSG_ERROR: Final = 2
_NLMSG_DONE: Final = 3
_GENL_ID_CTRL: Final = 16
_CTRL_CMD_GETFAMILY: Final = 3
_CTRL_ATTR_FAMILY_ID: Final = 1
_CTRL_ATTR_FAMILY_NAME: Final = 2
_NL80211_CMD_GET_STATION: Final = 17
_NL80211_ATTR_IFINDEX: Final = 3
_ANSWER_S: Final = 1.0
_ROOM: Final = 65536

_ASK_S: Final = 0.3
_ANY_PORT: Final = 9
#: A complete entry of the kernel's table of neighbors (ATF_COM, linux/if_arp.h).
_COMPLETE: Final = 0x2


def signal_dbm(interface: str, root: Path = Path("/")) -> int | None:
    """Return the signal of an interface's own link; None when the kernel shows none."""
    try:
        text = (root / "proc/net/wireless").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    for line in text.splitlines():
        name, _, values = line.partition(":")
        if name.strip() == interface:
            level = values.split()[2].rstrip(".")
            return int(level) if level.lstrip("-").isdigit() else None
    return None


async def station_count(interface: str) -> int | None:
    """Return how many stations are connected to an access point; None when nobody can tell."""
    return await asyncio.to_thread(_station_count, interface)


async def neighbor_answers(address: str, root: Path = Path("/")) -> bool:
    """Tell whether somebody in the local network has an IPv4 address.

    One datagram makes the kernel look for the neighbor (ARP, which nobody can refuse); then its
    table says whether there was an answer.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.setblocking(False)
        with contextlib.suppress(OSError):
            probe.sendto(b"", (address, _ANY_PORT))
    await asyncio.sleep(_ASK_S)
    try:
        lines = (root / "proc/net/arp").read_text(encoding="ascii").splitlines()[1:]
    except (OSError, ValueError):
        return False
    rows = (line.split() for line in lines)
    return any(row[0] == address and int(row[2], 16) & _COMPLETE for row in rows if len(row) > 3)


def _station_count(interface: str) -> int | None:
    try:
        index = socket.if_nametoindex(interface)
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_GENERIC) as kernel:
            kernel.settimeout(_ANSWER_S)
            family = _family(kernel)
            answers = _dump(kernel, family, _NL80211_CMD_GET_STATION, index)
    except OSError:
        return None
    return len(answers)


def _family(kernel: socket.socket, name: bytes = b"nl80211") -> int:
    """Return the number a family of generic netlink has on this machine."""
    about = _attribute(_CTRL_ATTR_FAMILY_NAME, name + b"\0")
    _send(kernel, _GENL_ID_CTRL, _CTRL_CMD_GETFAMILY, about, flags=_NLM_F_REQUEST)
    for kind, body in _messages(kernel.recv(_ROOM)):
        if kind == _GENL_ID_CTRL:
            found = _attributes(body[_GENERIC.size :]).get(_CTRL_ATTR_FAMILY_ID)
            if found is not None:
                return int(struct.unpack_from("=H", found)[0])
    raise OSError(errno.ENOENT, f"the kernel has no {name.decode()}")


def _dump(kernel: socket.socket, family: int, command: int, index: int) -> list[bytes]:
    about = _attribute(_NL80211_ATTR_IFINDEX, struct.pack("=I", index))
    _send(kernel, family, command, about, flags=_NLM_F_REQUEST | _NLM_F_DUMP)
    found: list[bytes] = []
    while True:
        for kind, body in _messages(kernel.recv(_ROOM)):
            if kind == _NLMSG_DONE:
                return found
            if kind == family:
                found.append(body)


def _send(kernel: socket.socket, family: int, command: int, attributes: bytes, flags: int) -> None:
    body = _GENERIC.pack(command, 1, 0) + attributes
    kernel.sendto(_NLMSG.pack(_NLMSG.size + len(body), family, flags, 1, 0) + body, (0, 0))


def _messages(data: bytes) -> list[tuple[int, bytes]]:
    """Return kind and body of each message.

    Raises:
        OSError: the kernel refused.
    """
    found = []
    while len(data) >= _NLMSG.size:
        length, kind, _, _, _ = _NLMSG.unpack_from(data)
        body = data[_NLMSG.size : length]
        if kind == _NLMSG_ERROR:
            raise OSError(-struct.unpack_from("=i", body)[0], "the kernel refused")
        found.append((kind, body))
        data = data[_aligned(max(length, _NLMSG.size)) :]
    return found


def _attribute(kind: int, value: bytes) -> bytes:
    length = _ATTRIBUTE.size + len(value)
    return _ATTRIBUTE.pack(length, kind) + value + bytes(_aligned(length) - length)


def _attributes(data: bytes) -> dict[int, bytes]:
    found = {}
    while len(data) >= _ATTRIBUTE.size:
        length, kind = _ATTRIBUTE.unpack_from(data)
        found[kind] = data[_ATTRIBUTE.size : length]
        data = data[_aligned(max(length, _ATTRIBUTE.size)) :]
    return found


def _aligned(length: int) -> int:
    return (length + 3) & ~3
