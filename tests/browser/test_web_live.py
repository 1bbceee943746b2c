"""What holds for all pages: they stay up to date, speak, and can be used by everybody."""

import http.client
import re
import time

import pytest
from axe import violations
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

WIDE, PHONE, SMALL, HUGE = (
    {"width": 1280, "height": 900},
    {"width": 390, "height": 844},
    {"width": 320, "height": 568},
    {"width": 3840, "height": 2160},
)
SIZES = pytest.mark.parametrize("viewport", [WIDE, PHONE], ids=["wide", "phone"])
PAGES = [
    "#/",
    "#/schedule",
    "#/settings/charging",
    "#/settings/meter",
    "#/settings/protection",
    "#/settings/network",
    "#/settings/ports",
    "#/settings/display",
    "#/settings/security",
    "#/system",
    "#/commissioning",
    "scripts.html",
    "api.html",
]
MAX_STREAMS = 16


def says(page, headline):
    """Wait for it, even when a busy machine has caused a fault, which lasts for 60 s."""
    expect(page.locator("#headline")).to_have_text(headline, timeout=90_000)


def is_live(page, within_s=30):
    expect(page.locator("#link-text")).to_have_text("Live", timeout=within_s * 1000)


def turn_to(page, daemon, path):
    """Open a page; those of the same document without loading it again."""
    page.goto(f"{daemon.address}/{path}")
    shown = f"[data-page='{path}'] h1" if path.startswith("#") else "h1"
    expect(page.locator(shown)).to_be_attached(timeout=30_000)


# --- for everybody ---


@pytest.mark.parametrize(
    ("viewport", "theme"), [(WIDE, "light"), (PHONE, "dark")], ids=["wide light", "phone dark"]
)
def test_no_page_keeps_anybody_out(daemon, open_page, viewport, theme):
    marked = dict.fromkeys(("mon", "tue", "wed", "thu", "fri", "sat", "sun"), 7)
    schedule = {"action": "enable", **marked}
    daemon.post("config/scheduler", {"schedules": [schedule, schedule]})
    opened = open_page(daemon, viewport, theme)
    found = {}
    for path in PAGES:
        turn_to(opened.page, daemon, path)
        if path == "#/":
            says(opened.page, re.compile("Ready|Paused"))
        if found_here := violations(opened.page):
            found[path] = found_here
        wide = opened.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert (path, wide) == (path, 0)
    daemon.post("config/scheduler", {"schedules": []})
    daemon.post("state", {"enabled": True})
    assert found == {}
    assert (opened.complaints, opened.strangers()) == ([], [])


def test_a_page_that_keeps_people_out_would_be_noticed(daemon, open_page):
    page = open_page(daemon).page
    says(page, "Ready")
    page.evaluate("document.querySelector('main').append(document.createElement('button'))")
    assert any(line.startswith("button-name") for line in violations(page))


@pytest.mark.parametrize("viewport", [SMALL, HUGE], ids=["320 px", "4K"])
def test_no_page_is_too_wide_or_has_targets_too_small(daemon, open_page, viewport):
    page = open_page(daemon, viewport).page
    for path in PAGES[:-2] if viewport is SMALL else ["#/", "#/schedule", "#/system"]:
        turn_to(page, daemon, path)
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert (path, wide) == (path, 0)
        small = page.evaluate(
            """[...document.querySelectorAll('button, select, .nav-link, .switch, a.button')]
              .filter((one) => one.offsetParent)
              .map((one) => [one.textContent || one.ariaLabel, one.getBoundingClientRect()])
              .filter(([, box]) => box.width < 44 || box.height < 44).map(([name]) => name)"""
        )
        assert (path, small) == (path, [])


def test_pages_are_reached_from_the_keyboard(daemon, open_page):
    page = open_page(daemon).page
    says(page, "Ready")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the page")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    page.get_by_role("link", name="System").press("Enter")
    expect(page.get_by_role("heading", name="System", level=1)).to_be_visible(timeout=20_000)
    expect(page.locator("main")).to_be_focused()
    page.go_back()
    says(page, "Ready")


COVERED = """
  () => {
    const one = document.activeElement;
    const box = one.getBoundingClientRect();
    const bar = document.querySelector("nav.nav").getBoundingClientRect();
    const covered = one.matches("main *") && box.bottom > bar.top + 1 && box.top < bar.bottom;
    return covered ? one.outerHTML.slice(0, 100) : null;
  }"""


@pytest.mark.parametrize("path", ["#/", "#/settings/charging", "#/system"])
def test_what_has_the_focus_is_not_below_the_navigation(daemon, open_page, path):
    page = open_page(daemon, PHONE).page
    turn_to(page, daemon, path)
    for _ in range(40):
        page.keyboard.press("Tab")
        assert page.evaluate(COVERED) is None


# --- languages and colors ---


@SIZES
def test_a_language_is_chosen_and_kept(daemon, open_page, viewport):
    opened = open_page(daemon, viewport)
    page = opened.page
    says(page, "Ready")
    page.get_by_role("button", name="Language and colors").click()
    page.get_by_label("Deutsch").check()
    says(page, "Bereit")
    page.reload()
    says(page, "Bereit")
    assert page.evaluate("document.documentElement.lang") == "de"
    page.get_by_role("link", name="Zeitplan").click()
    expect(page.get_by_role("heading", name="Laden nach der Uhr")).to_be_visible(timeout=20_000)
    page.goto(f"{daemon.address}/scripts.html")
    expect(page.get_by_role("heading", name="Skript-Engine")).to_be_visible(timeout=20_000)
    assert opened.complaints == []


def test_the_language_of_the_browser_is_spoken(daemon, open_page):
    page = open_page(daemon, locale="de-AT").page
    says(page, "Bereit")
    # of the last session, another test's; there may have been none
    expect(page.locator("#session-energy")).to_have_text(re.compile(r"^(–|\d+,\d\d)$"))


def test_colors_are_chosen_and_kept(daemon, open_page):
    page = open_page(daemon, theme="light").page
    says(page, "Ready")
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    page.get_by_role("button", name="Language and colors").click()
    page.get_by_label("Dark").check()
    dark = page.evaluate(ground)
    assert dark != light
    page.reload()
    says(page, "Ready")
    assert page.evaluate(ground) == dark
    page.emulate_media(color_scheme="dark")
    page.get_by_role("button", name="Language and colors").click()
    page.get_by_label("Light").check()
    assert page.evaluate(ground) == light


# --- Home ---


@SIZES
def test_limits_of_a_session_are_set_and_reached(daemon, open_page, viewport):
    page = open_page(daemon, viewport).page
    says(page, "Ready")
    limits = page.locator("#limits")
    limits.locator("summary").click()
    for name, typed in (("Energy", "1.5"), ("Charging time", "60"), ("Stop below", "0.02")):
        field = limits.get_by_label(name)
        field.fill(typed)
        field.press("Enter")
        expect(limits.locator(".feedback")).to_contain_text(f"{name}: limit set", timeout=15_000)
    state = daemon.get("state")
    assert state["consumptionLimit"] == 1.5 * 3_600_000
    assert (state["chargingTimeLimit"], state["underPowerLimit"]) == (3600, 20)
    page.get_by_role("button", name="Ask for energy", exact=True).click()
    says(page, "Charging")
    expect(page.locator("#reached-at")).to_contain_text("Reached at about", timeout=20_000)
    daemon.post("state", {"chargingTimeLimit": 1})
    says(page, "Paused: time limit reached")
    expect(page.locator("#why")).to_contain_text("A higher time limit, or a new session.")
    expect(limits).to_contain_text("3 set")


def test_what_would_change_it_is_told(daemon, open_page):
    page = open_page(daemon).page
    says(page, "Ready")
    why = page.locator("#why")
    missing = why.locator("[data-met=false]")
    expect(missing).to_contain_text(["A car is plugged in", "The car asks for energy"])
    daemon.post("simulator", {"vehicle": "charging"})
    says(page, "Charging")
    expect(why).to_contain_text("Why is it charging?")
    expect(missing).to_have_count(0)
    daemon.post("state/enabled", False)
    says(page, "Paused")
    expect(missing.first).to_contain_text("Charging is switched on")


@SIZES
def test_whoever_limits_the_current_is_listed_and_his_limit_can_be_ended(
    daemon, open_page, viewport
):
    page = open_page(daemon, viewport).page
    says(page, "Ready")
    daemon.ask("PUT", "limits/house", '{"current": 8, "expires": 3600}')
    holders = page.locator("#holders")
    expect(holders).to_contain_text(re.compile(r"house\s*for .*8 A"), timeout=20_000)
    holders.get_by_role("button", name="End the limit of house").click()
    expect(holders).to_have_count(0, timeout=20_000)
    assert daemon.ask("GET", "limits/house")[0] == 404


def test_the_curve_is_there_at_once_after_a_reload(daemon, open_page):
    daemon.post("simulator", {"vehicle": "charging"})
    page = open_page(daemon).page
    says(page, "Charging")
    give_up = time.monotonic() + 60
    while max([power or 0 for power in daemon.get("curve")["power"]] or [0]) < 1000:
        assert time.monotonic() < give_up
        time.sleep(0.2)
    page.reload()
    expect(page.locator("#curve canvas")).to_be_visible(timeout=20_000)
    page.locator("#curve summary").click()
    newest = page.locator("#curve tbody tr").last
    expect(newest).to_contain_text(re.compile(r"[1-9]\d?\.\d\d kW"), timeout=20_000)


# --- staying up to date ---


def test_two_tabs_share_one_stream(own_daemon, open_page):
    opened = open_page(own_daemon)
    is_live(opened.page)
    streams = []
    try:
        for _ in range(MAX_STREAMS - 1):
            streams.append(http.client.HTTPConnection("127.0.0.1", own_daemon.port, timeout=20))
            streams[-1].request("GET", "/api/v1/events")
            assert streams[-1].getresponse().status == 200
        assert own_daemon.ask("GET", "events")[0] == 503
        tabs = [opened.page, opened.another_tab(), opened.another_tab()]
        for tab in tabs:
            is_live(tab)
        own_daemon.post("state/charging-current", 9.5)
        for tab in tabs:
            field = tab.get_by_label("Charging current in amperes")
            expect(field).to_have_value("9.5", timeout=15_000)
        tabs[0].close()  # the stream is not that of the first
        own_daemon.post("state/charging-current", 8.5)
        for tab in tabs[1:]:
            field = tab.get_by_label("Charging current in amperes")
            expect(field).to_have_value("8.5", timeout=15_000)
            expect(tab.locator("#link-text")).to_have_text("Live")
    finally:
        for stream in streams:
            stream.close()
    assert opened.complaints == []


def test_a_killed_daemon_is_found_again_and_nothing_typed_is_lost(own_daemon, open_page):
    opened = open_page(own_daemon, path="#/settings/charging")
    page = opened.page
    is_live(page)
    page.get_by_label("Highest current").fill("21")
    own_daemon.process.kill()
    own_daemon.stop()
    expect(page.locator("#offline-banner")).to_be_visible(timeout=30_000)
    expect(page.get_by_role("button", name="Save")).to_be_disabled()
    own_daemon.start()
    up_at = time.monotonic()
    is_live(page)
    took_s = time.monotonic() - up_at
    expect(page.locator("#offline-banner")).to_have_count(0)
    expect(page.get_by_label("Highest current")).to_have_value("21")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".form-foot .feedback").first).to_have_text("Saved", timeout=15_000)
    assert took_s < 5, f"{took_s:.1f} s after the daemon listened"


def test_a_tab_that_slept_shows_what_is_now(daemon, open_page):
    opened = open_page(daemon)
    page = opened.page
    says(page, "Ready")
    session = opened.context.new_cdp_session(page)
    session.send("Page.setWebLifecycleState", {"state": "frozen"})
    daemon.post("state", {"enabled": False})
    daemon.post("simulator", {"vehicle": "connected"})
    session.send("Page.setWebLifecycleState", {"state": "active"})
    woke_at = time.monotonic()
    says(page, "Paused")
    took_s = time.monotonic() - woke_at
    assert took_s < 5, f"{took_s:.1f} s after it woke"


def test_a_hidden_page_lets_go_of_its_stream_and_takes_it_again(own_daemon, open_page):
    opened = open_page(own_daemon)
    page = opened.page
    is_live(page)
    hide = """(hidden) => {
      Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
      document.dispatchEvent(new Event("visibilitychange"));
    }"""
    page.evaluate(hide, True)
    own_daemon.post("state", {"chargingCurrent": 11})
    page.evaluate(hide, False)
    field = page.get_by_label("Charging current in amperes")
    expect(field).to_have_value("11", timeout=5_000)
    assert opened.complaints == []
