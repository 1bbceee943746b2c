"""What the kernel tells about radios: its answers are taken apart as they come."""

import socket
import struct

import pytest

from evsed.host import radio

FAMILY = 28
ERROR, DONE = 2, 3

WIRELESS = """Inter-| sta-|   Quality        |   Discarded packets               | Missed | WE
 face | tus | link level noise |  nwid  crypt   frag  retry   misc | beacon | 22
 wlan0: 0000   54.  -56.  -256        0      0      0      0      0        0
 wlan1: 0000   0.  x.  -256        0      0      0      0      0        0
"""
NEIGHBORS = """IP address       HW type     Flags       HW address            Mask     Device
127.0.0.1        0x1         0x2         02:fc:00:00:00:05     *        eth0
127.0.0.7        0x1         0x0         00:00:00:00:00:00     *        eth0
"""


class Kernel:
    """The other end of a netlink socket."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = []

    def sendto(self, data, _address):
        self.asked.append(data)

    def recv(self, _room):
        return self.answers.pop(0)


def message(kind, body=b""):
    return struct.pack("=IHHII", 16 + len(body), kind, 0, 1, 0) + body


def padded(data):
    return data + bytes(-len(data) % 4)


def test_every_station_of_a_dump_is_counted_over_several_packets():
    one = padded(message(FAMILY, b"\x13\x01\0\0" + b"attributes!!"))
    kernel = Kernel(one + one, one, message(DONE, bytes(4)))
    assert len(radio._dump(kernel, FAMILY, 17, 3)) == 3
    length, family, flags, _, _ = struct.unpack_from("=IHHII", kernel.asked[0])
    assert (length, family, flags) == (len(kernel.asked[0]), FAMILY, 0x301)
    assert kernel.asked[0][16] == 17
    assert kernel.asked[0][20:] == struct.pack("=HHI", 8, 3, 3)


def test_a_refusal_of_the_kernel_is_an_error():
    with pytest.raises(OSError, match="refused"):
        radio._dump(Kernel(message(ERROR, struct.pack("=i", -1))), FAMILY, 17, 3)


def test_the_kernel_of_this_machine_understands_the_questions():
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 16) as kernel:
        kernel.settimeout(10)
        assert radio._family(kernel, b"nlctrl") == 16
        with pytest.raises(OSError, match="refused"):
            radio._family(kernel, b"evsed-has-none")


async def test_who_is_no_access_point_has_no_count():
    assert await radio.station_count("evsed-none") is None


@pytest.mark.parametrize("data", [b"", b"x", bytes(16), message(FAMILY)[:15], b"\xff" * 40])
def test_bytes_that_are_no_answer_end(data):
    radio._messages(data)
    radio._attributes(data)


def test_the_signal_is_what_the_kernel_shows(tmp_path):
    assert radio.signal_dbm("wlan0", tmp_path) is None
    (tmp_path / "proc/net").mkdir(parents=True)
    (tmp_path / "proc/net/wireless").write_text(WIRELESS)
    assert radio.signal_dbm("wlan0", tmp_path) == -56
    assert radio.signal_dbm("wlan1", tmp_path) is None
    assert radio.signal_dbm("wlan", tmp_path) is None


async def test_a_neighbor_answers_when_the_kernel_has_its_address(tmp_path):
    assert not await radio.neighbor_answers("127.0.0.1", tmp_path)
    (tmp_path / "proc/net").mkdir(parents=True)
    (tmp_path / "proc/net/arp").write_text(NEIGHBORS)
    assert await radio.neighbor_answers("127.0.0.1", tmp_path)
    assert not await radio.neighbor_answers("127.0.0.7", tmp_path)
    assert not await radio.neighbor_answers("127.0.0.8", tmp_path)
