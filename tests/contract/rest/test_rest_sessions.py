"""The history over HTTP: pages, filters, curves, months, downloads, prices."""

import contextlib
import csv
import io
import json

import pytest
from sessions_world import MONDAY_S, SmallStation

from evsed.charging.states import Fault
from evsed.services.rest.sessions import SessionsResource
from evsed.services.sessions.service import SessionsService, database_file

HOUR_S = 3600


@pytest.fixture
async def history(tmp_path, serve):
    """Serve a database with five sessions: one each day, the third with a fault."""
    street = SmallStation(database_file(tmp_path)).look().idle().run(1)
    for day in range(5):
        street.plug(offered_da=160).charge(10).run(HOUR_S, step_ms=10_000)
        if day == 2:
            street.fail(Fault.DIODE_SHORT).run(61).heal().run(1).idle().run(1)
        else:
            street.unplug().run(1)
        street.wall_s += 86_400 - HOUR_S
        street.now_ms += (86_400 - HOUR_S) * 1000
        street.step(0)
    street.writer._close()
    async with _served(serve, tmp_path) as served:
        yield served


@contextlib.asynccontextmanager
async def _served(serve, folder):
    late = LateLog()
    async with serve(more=(*late.endpoints(),)) as served:
        late.service = SessionsService(served.operations, folder)
        late.operations = served.operations
        yield served
        late.service._readers.shutdown()


class LateLog:
    """The history, built when there are operations to build it on."""

    service = operations = None

    def endpoints(self):
        return SessionsResource(log=self, operations=self).endpoints()

    @property
    def store(self):
        return self.operations.store

    async def read(self, work):
        return await self.service.read(work)


async def numbers(served, query=""):
    answer = await served.get(f"sessions{query}")
    assert answer.status == 200, answer.text
    return [one["id"] for one in answer.json["sessions"]]


async def test_sessions_come_newest_first_page_by_page(history):
    first = (await history.get("sessions?limit=2")).json
    assert [one["id"] for one in first["sessions"]] == [5, 4]
    second = (await history.get(f"sessions?limit=2&before={first['next']}")).json
    assert [one["id"] for one in second["sessions"]] == [3, 2]
    last = (await history.get(f"sessions?limit=2&before={second['next']}")).json
    assert [one["id"] for one in last["sessions"]] == [1]
    assert last["next"] is None


async def test_a_session_says_everything(history):
    session = (await history.get("sessions/1")).json
    assert session == {
        "id": 1,
        "start": int(MONDAY_S) + 1,
        "clockSet": True,
        "duration": pytest.approx(HOUR_S, abs=11),
        "chargingTime": HOUR_S,
        "energy": 2300 * HOUR_S,
        "meterStart": 0,
        "meterEnd": 2300 * HOUR_S,
        "peakPower": 2300,
        "cost": 0.0,
        "authorized": "not_required",
        "errors": None,
        "stopReason": "unplugged",
        "endReason": "unplugged",
    }
    faulty = (await history.get("sessions/3")).json
    assert (faulty["errors"], faulty["endReason"]) == (["diode_short"], "fault")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?faulty=true", [3]),
        ("?faulty=false", [5, 4, 2, 1]),
        (f"?from={int(MONDAY_S) + 3 * 86_400}", [5, 4]),
        (f"?to={int(MONDAY_S) + 86_400}", [1]),
        (f"?from={int(MONDAY_S) + 86_400}&to={int(MONDAY_S) + 3 * 86_400}", [3, 2]),
        ("?min-energy=100000000", []),
        ("?ended=fault", [3]),
        ("?authorized=not_required", [5, 4, 3, 2, 1]),
        ("?authorized=rest", []),
        ("?limit=200", [5, 4, 3, 2, 1]),
        ("?month=2026-03&limit=1", [5]),
        ("?month=2026-04", []),
    ],
)
async def test_filters(history, query, expected):
    assert await numbers(history, query) == expected


@pytest.mark.parametrize(
    ("query", "key"),
    [
        ("?limit=0", "limit"),
        ("?limit=201", "limit"),
        ("?limit=ten", "limit"),
        ("?before=-1", "before"),
        ("?from=1.5", "from"),
        ("?to=99999999999999999999", "to"),
        ("?faulty=yes", "faulty"),
        ("?ended=well", "ended"),
        ("?month=2026-13", "month"),
        ("?month=2026-1", "month"),
        ("?month=2026-11%0a", "month"),
        ("?month=\u0662\u0660\u0662\u0666-11", "month"),
        (f"?authorized={'x' * 33}", "authorized"),
        ("/export?format=parquet", "format"),
        ("/export?table=secrets", "table"),
        ("/1/samples?step=0", "step"),
    ],
)
async def test_what_makes_no_sense_is_refused_with_its_key(history, query, key):
    answer = await history.get(f"sessions{query}")
    assert answer.status == 400
    assert answer.text.startswith(f"{key}: ")


@pytest.mark.parametrize("path", ["99", "0", "x", "-1", "99999999999999999999", "99/samples"])
async def test_sessions_that_are_not_there(history, path):
    assert (await history.get(f"sessions/{path}")).status == 404


async def test_a_curve(history):
    curve = (await history.get("sessions/1/samples")).json
    assert curve["step"] == 1
    busy = curve["samples"][1]
    assert busy["minute"] == 1
    assert busy["energy"] == 2300 * 60
    assert busy["offeredCurrent"] == 16.0
    assert busy["current"] == [10.0, 0.0, 0.0]
    coarse = (await history.get("sessions/1/samples?step=30")).json
    assert coarse["step"] == 30
    assert sum(one["energy"] for one in coarse["samples"]) == 2300 * HOUR_S


async def test_months(history):
    (month,) = (await history.get("sessions/months")).json
    assert (month["month"], month["sessions"], month["energy"]) == (
        "2026-03",
        5,
        5 * 2300 * HOUR_S,
    )


async def test_a_download_of_sessions_is_a_table(history):
    answer = await history.get("sessions/export?format=csv")
    assert answer.type == "text/csv; charset=utf-8"
    assert 'filename="evsed-sessions.csv"' in answer.headers["Content-Disposition"]
    table = list(csv.DictReader(io.StringIO(answer.text)))
    assert [line["id"] for line in table] == ["5", "4", "3", "2", "1"]
    assert table[-1]["start"].startswith("2026-03-02T08:00:01")
    assert table[-1]["energy_kwh"] == "2.300"
    assert table[2]["errors"] == "diode_short"
    only = await history.get("sessions/export?format=csv&faulty=true")
    assert len(only.text.splitlines()) == 2


async def test_a_download_in_json_is_the_same_as_the_pages(history):
    answer = await history.get("sessions/export?format=json")
    assert json.loads(answer.text) == (await history.get("sessions?limit=200")).json["sessions"]
    assert json.loads((await history.get("sessions/export?format=json&ended=fault")).text)
    nothing = await history.get("sessions/export?format=json&authorized=at")
    assert json.loads(nothing.text) == []
    header = await history.get("sessions/export?format=csv&authorized=at")
    assert len(header.text.splitlines()) == 1


async def test_a_download_of_curves(history):
    answer = await history.get("sessions/export?table=samples")
    table = list(csv.DictReader(io.StringIO(answer.text)))
    assert len(table) == pytest.approx(5 * 60, abs=10)
    assert table[1]["time"].startswith("2026-03-02T08:01:01")
    assert sum(float(line["energy_wh"]) for line in table) == pytest.approx(5 * 2300, abs=2)
    third = await history.get("sessions/export?table=samples&faulty=true&format=json")
    assert {one["session"] for one in json.loads(third.text)} == {3}


async def test_a_download_longer_than_one_piece_has_every_row_once(history):
    text = (await history.get("sessions/export?table=samples&format=json")).text
    listed = [(one["session"], one["minute"]) for one in json.loads(text)]
    assert listed == sorted(set(listed))
    assert len(listed) > 250


async def test_prices_are_settings_of_their_own(history):
    assert (await history.get("config/sessions")).json["price"] == 0
    night = {"start": "22:00", "end": "06:00", "price": 0.21, "days": ["mon"]}
    patch = {"price": 0.35, "prices": [night]}
    assert (await history.post("config/sessions", patch)).status == 200
    shown = (await history.get("config/sessions")).json
    assert shown == {"currency": "EUR", "price": 0.35, "sampleDays": 400, "prices": [night]}
    refused = await history.post("config/sessions", {"prices": [{"price": 2000}]})
    assert refused.status == 400
    assert refused.text.startswith("prices[0].price: 2000 is not permitted, expected an amount")
    assert "sessions" not in (await history.get("config")).json


async def test_a_history_that_cannot_be_read_is_a_failure_and_not_an_empty_one(tmp_path, serve):
    file = database_file(tmp_path)
    file.parent.mkdir(parents=True)
    file.write_bytes(b"SQLite format 3\0" + b"\1" * 9000)
    async with _served(serve, tmp_path) as served:
        for path in ("sessions", "sessions/months", "sessions/1", "sessions/export"):
            answer = await served.get(path)
            assert answer.status == 500
            assert "history of sessions cannot be read" in answer.text


async def test_before_the_first_session_everything_is_empty(tmp_path, serve):
    async with _served(serve, tmp_path) as served:
        assert (await served.get("sessions")).json == {"sessions": [], "next": None}
        assert (await served.get("sessions/months")).json == []
