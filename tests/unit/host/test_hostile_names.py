"""Names nobody should have: refused with a reason, or stored as they are and never interpreted."""

import tempfile
from pathlib import Path

import pytest
from bus_world import PrivateBus, Radios

from evsed.board.reader import read_board
from evsed.errors import RejectedError
from evsed.host.bus import SystemBus
from evsed.host.network import StationPlan
from evsed.host.network_manager.manager import NetworkManager, shown_name
from evsed.host.network_manager.profiles import Air, does, station_profile
from evsed.host.network_manager.station import Patience, Station
from evsed.settings.sections import SECTIONS

ROOT = Path(__file__).parents[3]
BOARD = read_board(ROOT / "boards" / "sim.yaml")
QUOTES = """a"b'c`d\\e"""
COMMAND = "$(reboot);`x`|&<>*?~"
LEFT = "\u202ename\u2066"
LONG = "a" * 10240
NUL, LINE, RETURN, ESCAPE, HALF = "a\0b", "a\nb", "a\rb", "a\x1b[2Jb", "a\ud800"
TRAVERSAL = "../../etc/passwd"
OPTION = "--help"
EVERY = [QUOTES, COMMAND, LEFT, LONG, NUL, LINE, RETURN, ESCAPE, HALF, TRAVERSAL, OPTION]
#: What a free text may hold.
TEXTS = [QUOTES, COMMAND, LEFT, TRAVERSAL, OPTION]
#: Key, and which of all names it takes.
FIELDS = [
    ("wifi", "ssid", TEXTS),
    ("wifi", "password", [QUOTES, COMMAND, TRAVERSAL]),
    ("wifi", "staticIp", []),
    ("wifi", "staticDns", []),
    ("discovery", "hostname", []),
    ("discovery", "instanceName", TEXTS),
    ("scheduler", "ntpServer", []),
    ("scheduler", "timezone", []),
    ("firmware", "channel", []),
]


@pytest.mark.parametrize(
    ("section", "key", "taken", "name"),
    [(*field, name) for field in FIELDS for name in EVERY],
    ids=lambda value: ascii(value)[:24] if isinstance(value, str) else "",
)
def test_a_name_is_refused_with_a_reason_or_stored_as_it_is(section, key, taken, name):
    found = SECTIONS[section]
    before = found.default(BOARD)
    if name not in taken:
        with pytest.raises(RejectedError) as refusal:
            found.patched(before, {key: name}, BOARD)
        reason = str(refusal.value)
        assert refusal.value.key == key
        assert len(reason) < 400
        assert reason.isprintable()
        return
    after = found.patched(before, {key: name}, BOARD)
    assert found.kept(after)[key] == name
    assert found.restored(found.kept(after), BOARD)[0] == after


@pytest.fixture
async def radios():
    with tempfile.TemporaryDirectory(prefix="evsed-test-") as folder:
        bus = PrivateBus(Path(folder))
        bus.open()
        template = ROOT / "tests" / "network_manager_mock.py"
        await bus.play(template, {"Networks": dict.fromkeys(TEXTS, QUOTES)})
        found = Radios(bus.client)
        await found.fit()
        yield found
        bus.client.close()
        bus.close()


async def test_network_manager_gets_every_byte_as_it_was_typed(radios):
    system = SystemBus(radios.bus._address)
    manager = NetworkManager(system)
    station = Station(manager, Patience(look_s=0.02))
    for name in TEXTS:
        plan = StationPlan(enabled=True, ssid=name, password=QUOTES, static=None)
        await station.join(plan, await manager.radio())
        (profile,) = await manager.profiles("evsed-sta")
        assert bytes(profile.settings["802-11-wireless"]["ssid"]) == name.encode()
        assert await manager.key(profile) == QUOTES
        assert does(profile.settings, QUOTES, plan)
    system.close()


def test_the_names_of_a_profile_are_ours_whatever_the_network_is_called():
    plan = StationPlan(enabled=True, ssid=TRAVERSAL, password=COMMAND, static=None)
    connection = station_profile(plan, "wlan0", Air())["connection"]
    assert connection["id"].value == "evsed-sta"
    assert TRAVERSAL not in "".join(str(one.value) for one in connection.values())


@pytest.mark.parametrize(
    ("air", "shown"),
    [
        (b"caf\xc3\xa9", "café"),
        (b"\0\0\0\0", ""),
        (b"", ""),
        (b"a\r\nOK\r\n", "a��OK��"),
        (b"\x1b[2J", "�[2J"),
        (b"\xff\xfe", "��"),
        (LEFT.encode(), LEFT),
        (QUOTES.encode(), QUOTES),
    ],
)
def test_a_name_from_the_air_controls_no_terminal(air, shown):
    assert shown_name(air) == shown
