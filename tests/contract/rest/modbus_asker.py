"""Reads holding registers over Modbus TCP, one request per connection."""

import socket
import struct


def read_registers(port: int, address: int, count: int, unit: int = 1) -> list[int]:
    """Return registers as they are on the wire."""
    request = struct.pack(">HHHBBHH", 1, 0, 6, unit, 3, address, count)
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(request)
        answer = b""
        while len(answer) < 9 + 2 * count:
            piece = connection.recv(512)
            assert piece, answer
            answer += piece
    return list(struct.unpack(f">{count}H", answer[9 : 9 + 2 * count]))
