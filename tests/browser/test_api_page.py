"""The readable API description in a real browser; nothing comes from outside."""

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

WIDE, PHONE, SMALL = (
    {"width": 1280, "height": 900},
    {"width": 360, "height": 740},
    {"width": 320, "height": 568},
)


@pytest.fixture
def opened(daemon, open_page):
    def open_one(viewport=WIDE, theme="light", fragment=""):
        one = open_page(daemon, viewport, theme)
        one.complaints.clear()
        one.page.goto(f"{daemon.address}/api.html{fragment}")
        expect(one.page.locator("#title")).to_contain_text("REST API 0")
        return one

    return open_one


def sideways(page):
    return page.evaluate("document.documentElement.scrollWidth - innerWidth")


@pytest.mark.parametrize(
    ("viewport", "theme"), [(WIDE, "light"), (PHONE, "light"), (PHONE, "dark"), (SMALL, "dark")]
)
def test_every_operation_is_shown_and_fits_the_screen(daemon, opened, viewport, theme):
    one = opened(viewport, theme)
    document = daemon.get("openapi.json")
    count = sum(method != "parameters" for item in document["paths"].values() for method in item)
    expect(one.page.locator("details.operation")).to_have_count(count)
    one.page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    expect(one.page.locator(".inside")).to_have_count(count)
    assert (one.complaints, one.strangers(), sideways(one.page)) == ([], [], 0)


def test_units_ranges_and_failures_are_told(opened):
    page = opened(fragment="#postStateChargingCurrent").page
    shown = page.locator("#postStateChargingCurrent")
    expect(shown).to_contain_text("number 6 … 63 A")
    expect(shown).to_contain_text("415")
    expect(shown).to_contain_text("curl -X POST -H 'Content-Type: application/json' -d '6'")
    page.locator("#getState summary").click()
    expect(page.locator("#getState")).to_contain_text('"A" | "B1"')


def test_extensions_are_marked(opened):
    page = opened().page
    expect(page.locator("#getReason .ours")).to_have_text("extension")
    expect(page.locator("#getState .ours")).to_have_count(0)


def test_a_word_narrows_the_list(opened):
    page = opened().page
    page.locator("#wanted").fill("post wifi")
    expect(page.locator("#found")).to_have_text("2 operations")
    page.locator("#wanted").fill("nothing of the kind")
    expect(page.locator("#found")).to_have_text("0 operations")


def test_a_question_can_be_asked_from_the_page(opened):
    page = opened().page
    page.locator("#getBoardConfig summary").click()
    page.locator("#getBoardConfig").get_by_role("button", name="Ask now").click()
    expect(page.locator("#getBoardConfig pre").last).to_contain_text('"deviceName"')
