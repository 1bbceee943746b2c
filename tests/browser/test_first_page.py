"""The first page in a real browser, on the simulator: people charge a car by clicking."""

import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

WIDE, PHONE, SMALL = (
    {"width": 1280, "height": 900},
    {"width": 360, "height": 740},
    {"width": 320, "height": 568},
)
VARIANTS = [(PHONE, "light"), (PHONE, "dark"), (WIDE, "light"), (WIDE, "dark")]


def says(page, headline, within_s=20):
    expect(page.locator("#headline")).to_have_text(headline, timeout=within_s * 1000)


def press(page, name):
    page.get_by_role("button", name=name, exact=True).click()


def ready_page(opened):
    says(opened.page, "Ready")
    expect(opened.page.locator("#simulator")).to_be_visible()
    return opened.page


def sideways(page):
    return page.evaluate("document.documentElement.scrollWidth - innerWidth")


@pytest.mark.parametrize(("viewport", "theme"), VARIANTS)
def test_a_car_is_charged_by_clicking(daemon, open_page, viewport, theme):
    opened = open_page(daemon, viewport, theme)
    page = ready_page(opened)
    press(page, "Plug in")
    says(page, "Waiting for the car")
    press(page, "Ask for energy")
    says(page, "Charging")
    expect(page.locator("#dial-power")).to_have_text(
        re.compile(r"[3-9]\.\d+kW|1\d\.\dkW"), timeout=15_000
    )
    expect(page.locator("#phases tbody tr").first).to_contain_text(re.compile(r"2\d\d\.\d V"))
    press(page, "Pause charging")
    says(page, re.compile("Stopping|Paused"))
    says(page, "Paused")
    press(page, "Start charging")
    says(page, "Charging")
    press(page, "Unplug")
    says(page, "Ready")
    assert (opened.complaints, opened.strangers(), sideways(page)) == ([], [], 0)


def test_who_holds_the_charger_back_is_named(daemon, open_page):
    page = ready_page(open_page(daemon))
    press(page, "Ask for energy")
    says(page, "Charging")
    explanation = page.locator("#explanation")
    expect(explanation).not_to_contain_text("limited by")
    daemon.ask("PUT", "limits/evcc", '{"current": 8}')
    expect(explanation).to_contain_text("The current is limited by “evcc”.")
    daemon.ask("PUT", "limits/house", '{"current": 0}')
    says(page, "Paused by an energy manager")
    expect(explanation).to_contain_text("“house”")
    daemon.ask("DELETE", "limits/house")
    says(page, "Charging")


@pytest.mark.parametrize("viewport", [WIDE, PHONE])
def test_the_current_is_set_by_buttons_field_and_slider(daemon, open_page, viewport):
    page = ready_page(open_page(daemon, viewport))
    answer = page.locator(".current .feedback")
    press(page, "1 ampere less")
    press(page, "1 ampere less")
    expect(answer).to_have_text("Set to 14 A")
    page.get_by_label("Charging current in amperes").fill("13.5")
    page.keyboard.press("Enter")
    expect(answer).to_have_text("Set to 13.5 A")
    slider = page.get_by_label("Charging current, slider")
    slider.focus()
    page.keyboard.press("ArrowRight")
    expect(answer).to_have_text("Set to 13.6 A")
    assert daemon.get("state")["chargingCurrent"] == 13.6


def test_a_refused_current_is_explained_and_taken_back(daemon, open_page):
    page = ready_page(open_page(daemon))
    field = page.get_by_label("Charging current in amperes")
    expect(field).to_have_value("16")
    field.fill("99")
    field.press("Enter")
    expect(page.locator(".current .feedback")).to_have_text(
        "Refused: chargingCurrent: number 6..32 expected"
    )
    expect(field).to_have_value("16")
    assert daemon.get("state")["chargingCurrent"] == 16


def test_what_others_change_shows_by_itself(daemon, open_page):
    page = ready_page(open_page(daemon))
    daemon.post("state", {"chargingCurrent": 10, "enabled": False})
    expect(page.get_by_label("Charging current in amperes")).to_have_value("10")
    expect(page.get_by_role("button", name="Start charging")).to_be_visible()


def test_a_fault_is_explained_and_clears(own_daemon, open_page):
    opened = open_page(own_daemon)
    page = ready_page(opened)
    field = page.get_by_label("Temperature", exact=True)
    field.fill("90")
    field.press("Enter")
    card = page.locator("[data-error=temperature_high]")
    expect(card).to_be_visible(timeout=30_000)  # sensors are read every ten seconds
    for words in ("Cause:", "What to do:", "Clears:"):
        expect(card).to_contain_text(words)
    says(page, "Stopped by a fault")
    field.fill("25")
    field.press("Enter")
    expect(card).to_be_hidden(timeout=30_000)
    says(page, "Ready")
    assert opened.complaints == []


def test_energy_and_times_grow(daemon, open_page):
    page = ready_page(open_page(daemon))
    press(page, "Ask for energy")
    says(page, "Charging")
    expect(page.locator("#session-energy")).not_to_have_text("0.00", timeout=30_000)
    expect(page.locator("#charging-time")).to_have_text(re.compile(r"[1-9]\d* s"))


def test_after_a_session_its_figures_stay(daemon, open_page):
    page = ready_page(open_page(daemon))
    press(page, "Ask for energy")
    says(page, "Charging")
    energy = page.locator("#session-energy")
    expect(energy).not_to_have_text("0.00", timeout=30_000)
    press(page, "Unplug")
    says(page, "Ready")
    session = page.locator("#session")
    expect(session).to_contain_text("Last session")
    newest = daemon.get("sessions?limit=1")["sessions"][0]
    expect(energy).to_have_text(f"{newest['energy'] / 3_600_000:.2f}", timeout=20_000)
    expect(page.locator("#charging-time")).to_have_text(re.compile(r"\d+ (s|min)"))
    session.get_by_role("link").click()
    expect(page.locator("#facts")).to_contain_text("Unplugged", timeout=20_000)


def test_a_broken_diode_stops_charging_with_its_error(own_daemon, open_page):
    page = ready_page(open_page(own_daemon))  # its fault lasts a minute
    press(page, "Ask for energy")
    says(page, "Charging")
    page.get_by_label("Break the diode").check()
    expect(page.locator("[data-error=diode_short]")).to_be_visible()
    unknown = page.locator("#why [data-met=null]")
    expect(unknown).to_contain_text(["A car is plugged in: not known now", "The car asks for"])
    expect(page.locator("#phases tbody tr").first).to_contain_text("0.0 V")


def test_a_residual_current_trips_when_it_is_watched(own_daemon, open_page):
    page = ready_page(open_page(own_daemon))
    page.get_by_label("Residual current monitor in use").check()
    press(page, "Ask for energy")
    says(page, "Charging")
    page.get_by_label("Residual current", exact=True).check()
    expect(page.locator("[data-error=rcm_triggered]")).to_be_visible()
    assert own_daemon.get("simulator")["contactor"]["closed"] is False


def test_a_waiting_car_is_authorized_by_a_button(daemon, open_page):
    daemon.post("config/evse", {"requireAuth": True})
    page = ready_page(open_page(daemon))
    button = page.get_by_role("button", name="Authorize this session")
    expect(button).to_be_hidden()
    press(page, "Ask for energy")
    says(page, "Waiting for authorization")
    button.click()
    says(page, "Charging")
    expect(button).to_be_hidden()


def test_the_station_is_taken_out_of_service_and_back(daemon, open_page):
    page = ready_page(open_page(daemon))
    press(page, "Take out of service")
    says(page, "Out of service")
    press(page, "Put into service")
    says(page, "Ready")


def test_everything_works_from_the_keyboard(daemon, open_page):
    page = ready_page(open_page(daemon))
    reached = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.add(
            page.evaluate("document.activeElement.innerText || document.activeElement.ariaLabel")
        )
    assert {
        "Pause charging",
        "Plug in",
        "Ask for energy",
        "Unplug",
        "1 ampere less",
        "1 ampere more",
    } <= reached
    page.get_by_role("button", name="Ask for energy", exact=True).focus()
    page.keyboard.press("Enter")
    says(page, "Charging")
    page.get_by_role("button", name="Pause charging").focus()
    page.keyboard.press("Space")
    says(page, "Paused")


@pytest.mark.parametrize("viewport", [SMALL, PHONE, WIDE])
def test_nothing_is_too_small_for_a_finger_or_too_wide_for_the_screen(daemon, open_page, viewport):
    page = ready_page(open_page(daemon, viewport))
    assert sideways(page) == 0
    small = page.evaluate(
        """[...document.querySelectorAll('button, select, input:not([role=switch]), .switch')]
          .filter((one) => one.offsetParent)
          .map((one) => [one.id || one.textContent, one.getBoundingClientRect()])
          .filter(([, box]) => box.width < 44 || box.height < 44).map(([name]) => name)"""
    )
    assert small == []


def test_every_control_has_a_name(daemon, open_page):
    page = ready_page(open_page(daemon))
    nameless = page.evaluate(
        """[...document.querySelectorAll('button, select, input')]
          .filter((one) => !one.ariaLabel && !one.labels?.length && !one.textContent.trim())
          .map((one) => one.outerHTML)"""
    )
    assert nameless == []
    live = page.locator("#headline").locator("xpath=ancestor::*[@aria-live]")
    assert live.get_attribute("aria-live") == "polite"


def test_without_an_event_stream_the_page_polls(daemon, open_page):
    opened = open_page(daemon)
    opened.lose_events()
    expect(opened.page.locator("#link-text")).to_have_text("Slow updates", timeout=20_000)
    says(opened.page, "Ready")
    daemon.post("simulator", {"vehicle": "charging"})
    says(opened.page, "Charging")
    assert opened.strangers() == []


def test_a_lost_connection_shows_and_comes_back_by_itself(own_daemon, open_page):
    page = ready_page(open_page(own_daemon))
    own_daemon.stop()
    expect(page.locator("#offline-banner")).to_be_visible(timeout=15_000)
    expect(page.locator("#toggle-charging")).to_be_disabled()
    expect(page.locator("#current-slider")).to_be_disabled()
    own_daemon.start()
    expect(page.locator("#offline-banner")).to_be_hidden(timeout=25_000)
    expect(page.locator("#toggle-charging")).to_be_enabled()
    says(page, "Ready")
