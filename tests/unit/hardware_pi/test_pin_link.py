"""The connection to the pin daemon, and daemons that misbehave."""

import contextlib
import socket
import struct
import threading
import time

import pytest

from evsed.board.description import Adc
from evsed.errors import HardwareError
from evsed.hardware.pi.link import Link
from evsed.hardware.pi.spi_port import SpidevPort

READ = 3


class Daemon:
    """Answers like the pin daemon, but as it is told to the command READ."""

    def __init__(self, to_read):
        self._to_read = to_read
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def end(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._threads.append(threading.Thread(target=self._serve, args=[connection]))
            self._threads[-1].start()

    def _serve(self, connection):
        with connection, contextlib.suppress(OSError):
            while len(request := connection.recv(16)) == 16:
                (command,) = struct.unpack_from("<I", request)
                answer = request[:12] + bytes(4)
                if command == READ:
                    answer = self._to_read(answer)
                if answer is None:
                    return
                connection.sendall(answer)


@pytest.fixture
def link_to():
    made = []

    def connect(to_read):
        daemon = Daemon(to_read)
        made.append(daemon)
        link = Link("127.0.0.1", daemon.port)
        link.hurry()
        made.append(link)
        return link

    yield connect
    for link in made[1::2]:
        link.close()
    for daemon in made[0::2]:
        daemon.end()


def read(link):
    with link.calls("contactor feedback", 27):
        return link.pi.read(27)


def test_an_answer_in_two_parts_is_one_answer(link_to):
    level_1 = struct.pack("<I", 1)
    assert read(link_to(lambda answer: answer[:12] + level_1)) == 1


def test_a_refusal_is_an_error_of_this_command_only(link_to):
    answers = [struct.pack("<i", -88), struct.pack("<i", 1)]
    link = link_to(lambda answer: answer[:12] + answers.pop(0))
    with pytest.raises(HardwareError, match="contactor feedback on GPIO 27: "):
        read(link)
    assert not link.lost
    assert read(link) == 1


def late(answer):
    time.sleep(0.15)
    return answer


@pytest.mark.parametrize(
    "to_read",
    [
        pytest.param(late, id="answers too late"),
        pytest.param(lambda _: None, id="hangs up"),
        pytest.param(lambda answer: b"\x04" + answer[1:], id="answers to another command"),
        pytest.param(lambda answer: answer[:7], id="answers in part"),
    ],
)
def test_a_daemon_that_misbehaves_once_is_lost_for_good(link_to, to_read):
    link = link_to(to_read)
    began = time.monotonic()
    with pytest.raises(HardwareError, match="contactor feedback on GPIO 27: "):
        read(link)
    assert time.monotonic() - began < 0.2
    assert link.lost
    with pytest.raises(HardwareError, match="connection to the pin daemon lost"):
        read(link)


def test_a_thread_waiting_its_turn_never_gets_the_late_answer_of_another(link_to):
    link = link_to(late)
    results = []

    def ask():
        try:
            results.append(read(link))
        except HardwareError:
            results.append("error")

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == ["error"] * 4


def test_a_device_that_is_not_there_is_named():
    adc = Adc(name="adc9", type="mcp3208", bus=99, cs=0, vref_mv=3300)
    with pytest.raises(HardwareError, match="converter adc9 on SPI bus 99, chip select 0"):
        SpidevPort(adc)
