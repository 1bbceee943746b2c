"""The History page in a real browser: what was charged, when, and what it cost."""

import re
import sys
from pathlib import Path

import pytest
from axe import violations
from playwright.sync_api import expect
from sessions_world import SmallStation

from evsed.charging.states import Fault, Reason
from evsed.services.sessions.service import database_file
from evsed.settings.tariff import SessionsSettings

pytestmark = pytest.mark.browser
sys.path.insert(0, str(Path(__file__).parent))

WIDE, PHONE, SMALL = (
    {"width": 1280, "height": 900},
    {"width": 360, "height": 740},
    {"width": 320, "height": 568},
)
STEP_MS = 20_000


def live(state_dir):
    """Write a history of five months: 60 sessions, the last one with a fault."""
    street = SmallStation(database_file(state_dir)).look().idle().run(1)
    street.tariff = SessionsSettings(price_e4=3000)
    for number in range(60):
        street.plug(offered_da=160).run(60, STEP_MS).charge(10).run(3600, STEP_MS)
        street.pause(Reason.VEHICLE_NOT_ASKING).run(1800, STEP_MS)
        if number == 59:
            street.fail(Fault.RCM_TRIGGERED).run(61, STEP_MS).heal().run(1).idle().run(1)
        else:
            street.unplug().run(1)
        street.wall_s += 2 * 86_400
        street.now_ms += 2 * 86_400_000
        street.step(0)
    street.writer._close()


@pytest.fixture(scope="module")
def history(tmp_path_factory, daemon_class):
    state_dir = tmp_path_factory.mktemp("history")
    live(state_dir)
    daemon = daemon_class(state_dir)
    daemon.start()
    yield daemon
    daemon.stop()


@pytest.fixture
def show(history, open_page):
    """Return a way to open the History page."""

    def open_history(viewport=WIDE, theme="light", at="#/history"):
        opened = open_page(history, viewport, theme)
        opened.page.goto(f"{history.address}/{at}")
        return opened

    return open_history


def rows(page):
    return page.locator(".session-row")


@pytest.mark.parametrize(
    ("viewport", "theme"), [(WIDE, "light"), (WIDE, "dark"), (PHONE, "light"), (PHONE, "dark")]
)
def test_months_sessions_and_one_curve(show, viewport, theme):
    opened = show(viewport, theme)
    page = opened.page
    expect(page.locator(".bar-row")).to_have_count(5)
    expect(page.locator(".bar-row").last).to_contain_text("March 2026")
    expect(page.locator(".bar-row").last).to_contain_text(re.compile(r"3\d\.\d\d kWh"))
    expect(rows(page)).to_have_count(50)
    expect(rows(page).first).to_contain_text("2.30 kWh")
    expect(rows(page).nth(1)).to_contain_text("The car wanted no more")
    page.get_by_role("button", name="Show older ones").click()
    expect(rows(page)).to_have_count(60)
    assert violations(page) == []
    rows(page).nth(1).click()
    expect(page.locator("#facts")).to_contain_text("€0.69")
    expect(page.locator("#facts")).to_contain_text("2.30 kW")
    expect(page.locator("#session-curve canvas")).to_be_visible()
    page.get_by_text("Show as a table").click()
    table = page.locator("#session-curve table")
    expect(table).to_contain_text("10.0 A")
    expect(table).to_contain_text("16.0 A")
    assert violations(page) == []
    page.get_by_role("link", name="All sessions").click()
    expect(rows(page)).to_have_count(50)
    sideways = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert (opened.complaints, opened.strangers(), sideways) == ([], [], 0)


def test_a_narrow_phone_needs_no_sideways_scrolling(show):
    page = show(SMALL).page
    expect(rows(page)).to_have_count(50)
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") == 0
    small = page.evaluate(
        """[...document.querySelectorAll("main a, main button, main select, main input")]
          .filter((one) => one.offsetParent && one.offsetHeight < 44).map((one) => one.outerHTML)"""
    )
    assert small == []


OVERLAPPING = """
  (() => {
    const boxes = [...document.querySelectorAll("main a, main button, main select, main input")]
      .filter((one) => one.offsetParent).map((one) => [one, one.getBoundingClientRect()]);
    const upon = (a, b) => a.left < b.right - 1 && b.left < a.right - 1
      && a.top < b.bottom - 1 && b.top < a.bottom - 1;
    return boxes.flatMap(([one, a], place) => boxes.slice(place + 1)
      .filter(([other, b]) => !one.contains(other) && upon(a, b))
      .map(([other]) => [one.outerHTML, other.outerHTML]));
  })()"""


@pytest.mark.parametrize("viewport", [PHONE, SMALL], ids=["360 px", "320 px"])
def test_on_a_phone_nothing_lies_upon_another_and_a_date_is_one_line(show, history, viewport):
    night = {"start": "22:00", "end": "06:00", "price": 0.2, "days": ["sat", "sun"]}
    history.post("config/sessions", {"prices": [night]})
    page = show(viewport).page
    expect(page.locator("input[type=time]")).to_have_count(2)
    expect(rows(page)).to_have_count(50)
    heights = page.locator(".session-when").evaluate_all("all => all.map(one => one.offsetHeight)")
    overlapping = page.evaluate(OVERLAPPING)
    history.post("config/sessions", {"prices": []})  # other tests begin without
    assert max(heights) < 30
    assert overlapping == []


def test_energies_stand_below_one_another(show):
    page = show(WIDE).page
    expect(rows(page)).to_have_count(50)
    ends = page.locator(".session-energy").evaluate_all(
        "all => all.map(one => Math.round(one.getBoundingClientRect().right))"
    )
    assert len(set(ends)) == 1


@pytest.mark.parametrize(
    ("locale", "shown"),
    [
        ("en-GB", r"^\d+ \w+ \d{4} \d\d:\d\d$"),
        ("en-US", r"^\w+ \d+, \d{4} \d+:\d\d.[AP]M$"),
        ("de-AT", r"^\d\d\.\d\d\.\d{4} \d\d:\d\d$"),
    ],
)
def test_times_are_written_as_where_the_reader_lives(history, open_page, locale, shown):
    page = open_page(history, locale=locale).page
    page.goto(f"{history.address}/#/history")
    expect(page.locator(".session-when").first).to_have_text(re.compile(shown), timeout=20_000)


def test_a_month_and_errors_narrow_the_list_and_the_download(show, history):
    page = show().page
    page.get_by_role("button", name="April 2026").click()
    expect(rows(page)).to_have_count(14)
    link = page.get_by_role("link", name="Sessions, CSV")
    with page.expect_download() as download:
        link.click()
    assert download.value.suggested_filename == "evsed-sessions.csv"
    lines = Path(download.value.path()).read_text().splitlines()
    assert len(lines) == 15
    assert all(",2026-04-" in line for line in lines[1:])
    page.get_by_label("Month", exact=True).select_option("")
    page.get_by_label("Show", exact=True).select_option("faulty")
    expect(rows(page)).to_have_count(1)
    expect(rows(page).first).to_contain_text("Residual current")
    expect(link).to_have_attribute("href", re.compile("faulty=true"))


def test_prices_are_set_for_hours_and_days(show, history):
    page = show().page
    card = page.locator("#prices")
    card.get_by_label("Price of a kWh").fill("0.32")
    card.get_by_role("button", name="Another price at some hours").click()
    window = card.get_by_role("group", name="Price 1")
    window.get_by_label("Price of a kWh").fill("0.21")
    window.get_by_label("Days").select_option("work")
    window.get_by_label("Until").fill("05:30")
    card.get_by_role("button", name="Save").click()
    expect(card.get_by_role("status")).to_have_text("Saved")
    assert history.get("config/sessions") == {
        "currency": "EUR",
        "price": 0.32,
        "sampleDays": 400,
        "prices": [
            {
                "start": "22:00",
                "end": "05:30",
                "price": 0.21,
                "days": ["mon", "tue", "wed", "thu", "fri"],
            }
        ],
    }
    card.get_by_label("Price of a kWh").first.fill("5000")
    card.get_by_role("button", name="Save").click()
    expect(card).to_contain_text("an amount 0 … 1000")
    assert history.get("config/sessions")["price"] == 0.32


def test_a_session_that_ends_appears_by_itself(show, history):
    page = show().page
    expect(rows(page).first).to_be_visible()
    before = rows(page).first.get_attribute("href")
    history.post("simulator", {"vehicle": "connected"})
    page.wait_for_function("() => true")
    expect(page.locator("#link")).to_have_attribute("data-link", "live")
    history.until_state("B2")
    history.post("simulator", {"vehicle": "none"})
    expect(rows(page).first).not_to_have_attribute("href", before, timeout=20_000)
    expect(rows(page).first).to_contain_text("Unplugged")


def test_the_last_minute_of_a_curve_lasts_as_long_as_it_did(history, open_page):
    page = open_page(history).page
    page.goto(f"{history.address}/#/history")
    told = page.evaluate(
        """async () => {
          const module = document.querySelector('script[type=module]').src;
          const { pointsOf } = await import(new URL('../pages/history-session.js', module));
          const samples = [216000, 36000].map((energy, minute) => (
            { minute, energy, offeredCurrent: 16, current: [15.7, 0, 0] }));
          return pointsOf({ start: 0, duration: 70 }, { step: 1, samples }).power;
        }"""
    )
    assert told == [3.6, 3.6]


def test_a_new_charger_says_that_there_is_nothing_yet(own_daemon, open_page):
    page = open_page(own_daemon).page
    page.goto(f"{own_daemon.address}/#/history")
    expect(page.get_by_text("Nothing has been charged yet.")).to_be_visible()
    assert violations(page) == []


def test_the_page_speaks_german(history, chromium):
    context = chromium.new_context(viewport=WIDE, locale="de-DE")
    page = context.new_page()
    page.goto(f"{history.address}/#/history")
    expect(page.locator(".bar-row").last).to_contain_text("März 2026")
    expect(rows(page).nth(1)).to_contain_text("2,30 kWh")
    context.close()
