import socket
from dataclasses import dataclass, field

import pytest

from evsed.bench.hook import Hook, Word, receive, send
from evsed.charging.contactor import Contactor
from evsed.charging.memory import Memory
from evsed.charging.states import ChargingState
from evsed.hardware.interfaces import SampleWindow
from evsed.station.loop import monotonic_ms

CHARGING = Memory(state=ChargingState.C2, contactor=Contactor(closed=True))
NS_PER_MS = 1_000_000


@dataclass
class Pass:
    memory: Memory = field(default_factory=lambda: CHARGING)
    energized: bool = True


@pytest.fixture
def link():
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.setblocking(False)
    theirs.settimeout(1)
    with ours, theirs:
        yield ours, theirs


@pytest.fixture
def control_pass():
    return Pass()


@pytest.fixture
def hook(link, control_pass):
    hook = Hook(link[0])
    hook.attach(control_pass)
    return hook


def window(started_ms, readings=200):
    return SampleWindow(started_ms, started_ms + 10, [2000] * readings)


def keep(hook, link):
    send(link[1], Word.KEEP)
    hook.watch([])


def test_the_charger_remembers_only_while_it_charges(hook, link, control_pass):
    control_pass.memory = Memory()
    keep(hook, link)
    control_pass.memory = CHARGING
    keep(hook, link)
    assert receive(link[1]) == (Word.KEPT, 0)
    link[1].setblocking(False)
    assert receive(link[1]) is None


def test_arming_waits_until_the_contactor_has_been_opened(hook, link, control_pass):
    keep(hook, link)
    control_pass.memory = Memory()
    send(link[1], Word.ARM, 0)
    hook.watch([])
    assert control_pass.memory.state is ChargingState.A
    control_pass.energized = False
    hook.watch([])
    assert control_pass.memory.state is ChargingState.C2
    assert monotonic_ms() - control_pass.memory.line.seen_ms < 1000


def test_arming_by_force_does_not_wait(hook, link, control_pass):
    keep(hook, link)
    control_pass.memory = Memory()
    send(link[1], Word.FORCE, 0)
    hook.watch([])
    assert control_pass.memory.contactor.closed


def test_windows_of_the_vehicle_before_are_held_back(hook, link):
    keep(hook, link)
    send(link[1], Word.ARM, 500 * NS_PER_MS)
    assert [one.started_ms for one in hook.watch([window(500), window(501)])] == [501]


def test_ready_is_said_after_a_full_window_with_the_contactor_closed(hook, link, control_pass):
    keep(hook, link)
    receive(link[1])
    control_pass.energized = False
    send(link[1], Word.ARM, 0)
    hook.watch([window(90)])
    control_pass.energized = True
    hook.told(True, 100 * NS_PER_MS)
    hook.watch([window(100), window(120, readings=8)])
    link[1].setblocking(False)
    assert receive(link[1]) is None
    hook.watch([window(130)])
    assert receive(link[1]) == (Word.READY, 0)


def test_an_open_command_is_passed_on_with_its_time(hook, link):
    hook.told(False, 123)
    assert receive(link[1]) == (Word.OPEN, 123)


def test_the_charger_goes_on_when_the_street_has_gone(hook, link):
    link[1].close()
    assert hook.watch([window(1)]) == [window(1)]
    assert hook.watch([window(2)]) == [window(2)]
    with pytest.raises(ConnectionError):
        receive(link[0])
