"""Malformed Modbus requests at the running daemon; ``EVSED_FUZZ`` sets how many."""

import os
import random
import socket
from pathlib import Path

from daemon_world import Daemon, RunningSimulator
from modbus_clients import over_tcp, raw, switch_on

INPUTS = int(os.environ.get("EVSED_FUZZ", "2000"))
#: the restart and the release of a session are not for random bytes
HARMFUL = (bytes.fromhex("01a5"), bytes.fromhex("0070"))


def memory_kib(daemon: Daemon) -> int:
    status = Path(f"/proc/{daemon.popen.pid}/status").read_text(encoding="utf-8")
    return int(status.partition("VmRSS:")[2].split()[0])


def malformed(dice: random.Random) -> bytes:
    pdu = bytes((dice.choice((3, 4, 6, 16, 43, 255)),)) + dice.randbytes(dice.randrange(0, 24))
    if any(address in pdu for address in HARMFUL):
        pdu = pdu[:1]
    length = len(pdu) + 1 if dice.random() < 0.9 else dice.randrange(0x10000)
    head = dice.randrange(0x10000).to_bytes(2, "big") + bytes((0, dice.random() < 0.05))
    return head + length.to_bytes(2, "big") + bytes((dice.choice((0, 1, 9, 255)),)) + pdu


def test_malformed_requests_leave_the_charger_as_it_was(folder, figure):
    dice = random.Random(7)  # noqa: S311  # seeded on purpose
    with (
        RunningSimulator(folder / "sim") as simulator,
        Daemon(folder, "--modbus-port", "0", simulator=simulator) as daemon,
    ):
        port = switch_on(daemon.ready())
        send(port, dice, INPUTS // 4)
        memory, said = memory_kib(daemon), len(daemon.log)
        late = daemon.get("/reason")["lateness"]
        send(port, dice, INPUTS)
        after = daemon.get("/reason")["lateness"]
        figure("passes over 20 ms late meanwhile", after["over20ms"] - late["over20ms"])
        figure("memory, KiB more", memory_kib(daemon) - memory)
        assert memory_kib(daemon) < memory + 4096
        assert len(daemon.log) < said + 20_000
        assert daemon.reason() == "no_vehicle"
        with over_tcp(port) as modbus:
            assert modbus.read_holding_registers(100, count=1, device_id=1).registers == [0x4100]


def send(port: int, dice: random.Random, count: int) -> None:
    """Send so many, a new connection whenever the last was closed."""
    connection = raw(port)
    for _ in range(count):
        try:
            connection.settimeout(0.001 if dice.random() < 0.9 else 0.02)
            connection.sendall(malformed(dice))
            closed = connection.recv(4096) == b""
        except TimeoutError:
            closed = dice.random() < 0.02
        except OSError:
            closed = True
        if closed:
            connection.close()
            connection = raw(port)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    connection.close()
