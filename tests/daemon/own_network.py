"""A network that only one daemon has, whose address is given and taken as a DHCP server does.

As a program it runs ``evsed`` in there. Needs no root, a user namespace may have networks; with
root it does without one, because in there nobody may ask for real-time priority.
"""

import ctypes
import fcntl
import json
import os
import socket
import struct
import subprocess
import sys
from pathlib import Path

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
SIOCGIFFLAGS, SIOCSIFFLAGS, SIOCSIFADDR, SIOCSIFNETMASK = 0x8913, 0x8914, 0x8916, 0x891C
IFF_UP, IFF_MULTICAST = 0x1, 0x1000
#: An alias of the one interface that every new network has.
LEASED = b"lo:1"
FIRST, SECOND = "192.0.2.10", "192.0.2.20"  # Source: RFC 5737, for documentation
PATIENCE_S = 15

_ASKER = """
import sys, urllib.request
address, body = sys.argv[1:3]
headers = {"Content-Type": "application/json"}
request = urllib.request.Request(address, body.encode() or None, headers)
with urllib.request.urlopen(request, timeout=15) as answer:
    sys.stdout.write(answer.read().decode())
"""


def enter():
    """Go into a network of one's own, in which nothing but the loopback interface is up."""
    libc = ctypes.CDLL(None, use_errno=True)
    user, group = os.getuid(), os.getgid()
    if libc.unshare(CLONE_NEWNET | (CLONE_NEWUSER if user else 0)):
        raise OSError(ctypes.get_errno(), "unshare")
    if user:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"0 {user} 1")
        Path("/proc/self/gid_map").write_text(f"0 {group} 1")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        found = fcntl.ioctl(asked, SIOCGIFFLAGS, struct.pack("16sH14x", b"lo", 0))
        flags = struct.unpack("16sH14x", found)[1] | IFF_UP | IFF_MULTICAST
        fcntl.ioctl(asked, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", flags))


def lease(address):
    """Give the interface another address, in place of the one before."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        # The loopback interface answers for a whole network: here that is the one address.
        for request, value in ((SIOCSIFADDR, address), (SIOCSIFNETMASK, "255.255.255.255")):
            place = (LEASED, socket.AF_INET, 0, socket.inet_aton(value))
            fcntl.ioctl(asked, request, struct.pack("16sHH4s8x", *place))


class OwnNetwork:
    """The network of a running daemon, from outside."""

    def __init__(self, pid):
        user = ["--preserve-credentials", "-U"] if os.getuid() else []
        self._inside = ["nsenter", *user, "-t", str(pid), "-n", sys.executable]

    def lease(self, address):
        """Let the daemon's machine have another address."""
        self._run(str(Path(__file__)), address)

    def ask(self, address, port, path, body=None):
        """Ask the daemon at an address; return what it answers.

        Raises:
            subprocess.CalledProcessError: nobody answers there.
        """
        where = f"http://{address}:{port}/api/v1{path}"
        answer = self._run("-c", _ASKER, where, "" if body is None else json.dumps(body))
        return json.loads(answer) if body is None else answer

    def _run(self, *words):
        done = subprocess.run(
            [*self._inside, *words], check=True, capture_output=True, text=True, timeout=60
        )
        return done.stdout


if __name__ == "__main__":
    if sys.argv[1] == "run":
        from evsed.cli import main

        enter()
        lease(FIRST)
        sys.exit(main(sys.argv[1:]))
    lease(sys.argv[1])
