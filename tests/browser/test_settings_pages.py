"""Settings, Schedule and System in a real browser: whatever the API can do, by clicking."""

import io
import json
import re
import socket
import zipfile

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

WIDE, PHONE = {"width": 1280, "height": 900}, {"width": 360, "height": 740}
SIZES = pytest.mark.parametrize("viewport", [WIDE, PHONE], ids=["wide", "phone"])
#: What Chromium says of an answer such as 400, which a test of a refusal expects.
REFUSED = re.compile(r"status of [45]\d\d")


@pytest.fixture
def at(daemon, open_page):
    """Return a way to open one page; afterwards nothing may have gone wrong on any."""
    opened = []

    def open_at(path, viewport=WIDE, **more):
        opened.append(open_page(daemon, viewport, path=path, **more))
        expect(opened[-1].page.locator("main h1")).to_be_visible(timeout=20_000)
        return opened[-1].page

    yield open_at
    for one in opened:
        assert [line for line in one.complaints if not REFUSED.search(line)] == []
        assert one.strangers() == []
        wide = one.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide == 0


def card(page, title):
    heading = page.get_by_role("heading", name=title, exact=True)
    return page.locator(".card").filter(has=heading).first


def press(where, name):
    where.get_by_role("button", name=name, exact=True).click()


def week_saved(page):
    saved(page.locator(".save-bar"))


def saved(where):
    press(where, "Save")
    expect(where.locator(".form-foot .feedback")).to_have_text("Saved", timeout=15_000)


def answer(page, name):
    press(page.get_by_role("dialog"), name)
    expect(page.get_by_role("dialog")).to_have_count(0)


# --- settings ---


@SIZES
def test_settings_of_charging_are_saved(daemon, at, viewport):
    page = at("#/settings/charging", viewport)
    form = card(page, "Charging and limits")
    form.get_by_label("Highest current").fill("20")
    form.get_by_label("Current after a start").fill("12.5")
    form.get_by_label("Energy limit after a start").fill("7.5")
    form.get_by_label("Time limit after a start").fill("90")
    form.get_by_label("Stop below, after a start").fill("0.25")
    form.get_by_role("switch", name="Ask for authorization").check()
    saved(form)
    evse = daemon.get("config/evse")
    assert (evse["maxChargingCurrent"], evse["defaultChargingCurrent"]) == (20, 12.5)
    assert evse["defaultConsumptionLimit"] == 7.5 * 3_600_000
    assert (evse["defaultChargingTimeLimit"], evse["defaultUnderPowerLimit"]) == (5400, 250)
    assert evse["requireAuth"] is True


def test_a_refusal_stands_at_its_field_and_nothing_is_lost(daemon, at):
    page = at("#/settings/charging")
    form = card(page, "Charging and limits")
    form.get_by_label("Time limit after a start").fill("30")
    field = form.get_by_label("Highest current")
    field.fill("99")
    press(form, "Save")
    expect(field).to_have_attribute("aria-invalid", "true", timeout=15_000)
    expect(field).to_be_focused()
    about = field.get_attribute("aria-describedby").split()[-1]
    expect(page.locator(f"[id='{about}']")).to_contain_text("99 is not permitted")
    expect(form.get_by_label("Time limit after a start")).to_have_value("30")
    assert daemon.get("config/evse")["maxChargingCurrent"] == 32
    press(form, "Undo")
    expect(field).to_have_value("32")
    expect(form.locator("[aria-invalid]")).to_have_count(0)


def test_what_others_change_shows_in_a_form_but_not_over_what_is_typed(daemon, at):
    page = at("#/settings/meter")
    form = card(page, "Meter")
    voltage = form.get_by_label("Voltage of the mains")
    expect(voltage).to_have_value(re.compile(r"\d+"))
    daemon.post("config/evse", {"energyMeterAcVoltage": 120})
    expect(voltage).to_have_value("120", timeout=15_000)
    voltage.fill("240")
    daemon.post("config/evse", {"energyMeterAcVoltage": 130, "energyMeterThreePhases": True})
    expect(form.get_by_role("switch", name="Three phases")).to_be_checked(timeout=15_000)
    expect(voltage).to_have_value("240")
    saved(form)
    assert daemon.get("config/evse")["energyMeterAcVoltage"] == 240


@SIZES
def test_the_management_system_is_set_and_says_why_it_is_not_reached(daemon, at, viewport):
    page = at("#/settings/ocpp", viewport)
    form = card(page, "Management system (OCPP)")
    form.get_by_label("Address").fill("ws://127.0.0.1:1/ocpp")
    form.get_by_role("switch", name="Connect to the management system").check()
    press(form, "Save")
    identity = form.get_by_label("Identity of this charger")
    expect(identity).to_have_attribute("aria-invalid", "true", timeout=15_000)
    identity.fill("CP-1")
    form.get_by_label("Security profile").select_option("1")
    form.get_by_label("Password").fill("0123456789abcdef")
    form.get_by_label("Most current while it is away").fill("8")
    saved(form)
    kept = daemon.get("config/ocpp")
    assert (kept["identity"], kept["securityProfile"], kept["offlineCurrent"]) == ("CP-1", 1, 8)
    assert "password" not in kept
    trouble = card(page, "Connection").get_by_text("it cannot be reached")
    expect(trouble).to_be_visible(timeout=60_000)
    form.get_by_role("switch", name="Connect to the management system").uncheck()
    saved(form)
    expect(card(page, "Connection").get_by_text("switched off")).to_be_visible(timeout=15_000)
    daemon.post("config/ocpp", {"url": "", "identity": "", "securityProfile": 0})


@SIZES
def test_meter_socket_and_protection_are_saved(daemon, at, viewport):
    page = at("#/settings/meter", viewport)
    form = card(page, "Meter")
    form.get_by_label("How energy is measured").select_option("cur")
    form.get_by_label("Voltage of the mains").fill("235")
    form.get_by_role("switch", name="Three phases").check()
    saved(form)
    page.get_by_role("link", name="Socket and protection").click()
    form = card(page, "Protection")
    form.get_by_label("Stop above").fill("70")
    form.get_by_role("switch", name="Residual current monitor").check()
    saved(form)
    form = card(page, "Socket outlet")
    form.get_by_role("switch", name="Socket outlet").check()
    form.get_by_label("Lock motor runs for").fill("400")
    form.get_by_label("Pause between two tries").fill("1500")
    form.get_by_label("Further tries").fill("3")
    form.get_by_role("switch", name="Lock contact is high when locked").check()
    saved(form)
    wanted = {
        "energyMeterMode": "cur",
        "energyMeterAcVoltage": 235,
        "energyMeterThreePhases": True,
        "temperatureThreshold": 70,
        "rcm": True,
        "socketOutlet": True,
        "socketLockOperatingTime": 400,
        "socketLockBreakTime": 1500,
        "socketLockRetryCount": 3,
        "socketLockDetectionHigh": True,
    }
    evse = daemon.get("config/evse")
    assert {key: evse[key] for key in wanted} == wanted
    again = {"rcm": False, "socketOutlet": False, "socketLockDetectionHigh": False}
    daemon.post("config/evse", {"energyMeterMode": "cur_vlt", **again})


@SIZES
def test_the_station_leaves_service_and_the_total_is_reset_after_a_question(daemon, at, viewport):
    page = at("#/settings/charging", viewport)
    station = card(page, "Station")
    service = station.get_by_role("switch", name="In service")
    service.uncheck()
    expect(page.locator("main")).to_be_visible()
    daemon.until("available", False)
    service.check()
    daemon.until("available", True)
    press(station, "Set the total energy to 0")
    answer(page, "Cancel")
    press(station, "Set the total energy to 0")
    answer(page, "Set to 0")
    expect(station.locator(".feedback")).to_have_text("Set to 0", timeout=15_000)
    assert daemon.get("state")["totalConsumption"] == 0


@SIZES
def test_network_settings_are_saved(daemon, at, viewport):
    daemon.post("config/wifi", {"ssid": "", "staticIp": "", "enabled": False})
    daemon.post("config/discovery", {"hostname": "evse", "instanceName": "EVSE"})
    page = at("#/settings/network", viewport)
    form = card(page, "Wi-Fi")
    form.get_by_role("switch", name="Connect to this network").check()
    press(form, "Save")
    expect(form.get_by_label("Network", exact=True)).to_have_attribute(
        "aria-invalid", "true", timeout=15_000
    )
    form.get_by_label("Network", exact=True).fill("Garage")
    form.get_by_label("Password").fill("open sesame")
    form.get_by_label("Own address").fill("192.168.7.20")
    form.get_by_label("Network mask").fill("255.255.255.0")
    form.get_by_label("Gateway").fill("192.168.7.1")
    form.get_by_role("switch", name="Use the addresses above").check()
    saved(form)
    wifi = daemon.get("config/wifi")
    assert (wifi["ssid"], wifi["enabled"], wifi["staticIp"]) == ("Garage", True, "192.168.7.20")
    expect(form.get_by_label("Password")).to_have_value("")
    form = card(page, "Name in the network")
    form.get_by_label("Host name").fill("garage")
    form.get_by_label("Name shown to people").fill("Garage <b>1</b>")
    saved(form)
    assert daemon.get("config/discovery")["instanceName"] == "Garage <b>1</b>"
    press(card(page, "Connection"), "Search for networks")
    expect(card(page, "Connection")).to_contain_text("None were found", timeout=25_000)
    access = card(page, "Access point").get_by_role("switch")
    access.click()
    expect(access).to_be_enabled()
    daemon.post("config/wifi", {"enabled": False, "staticEnabled": False})


@pytest.fixture
def nobody():
    """Return a port that is taken and where nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def test_mqtt_is_saved_and_says_how_it_stands(daemon, at, nobody):
    page = at("#/settings/mqtt", PHONE)
    form = card(page, "MQTT")
    form.get_by_role("switch", name="Connect to this broker").check()
    press(form, "Save")
    broker = form.get_by_label("Broker", exact=True)
    expect(broker).to_have_attribute("aria-invalid", "true", timeout=15_000)
    broker.fill(f"mqtt://127.0.0.1:{nobody}")
    form.get_by_label("User").fill("anna")
    form.get_by_label("Password").fill("open sesame")
    form.get_by_label("Measured values at most every").fill("10")
    saved(form)
    mqtt = daemon.get("config/mqtt")
    assert (mqtt["enabled"], mqtt["user"], mqtt["interval"]) == (True, "anna", 10)
    expect(form.get_by_label("Password")).to_have_value("")
    connection = card(page, "Connection")
    expect(connection).to_contain_text("it cannot be reached", timeout=25_000)
    expect(connection).to_contain_text("not connected")
    daemon.post("config/mqtt", {"enabled": False, "uri": ""})
    expect(connection).not_to_contain_text("it cannot be reached", timeout=15_000)


@SIZES
def test_serial_ports_and_modbus_are_saved(daemon, at, viewport):
    plain = {"baudRate": 115200, "dataBits": "8", "stopBits": "1", "parity": "disable"}
    daemon.post("config/serial", [plain, plain])
    daemon.post("config/modbus", {"unitId": 1})
    page = at("#/settings/ports", viewport)
    form = card(page, "Modbus")
    form.get_by_label("Unit id").fill("17")
    saved(form)
    assert daemon.get("config/modbus")["unitId"] == 17
    form = card(page, "Serial port UART")
    form.get_by_label("Used for").select_option("log")
    form.get_by_label("Bits per second").fill("9600")
    form.get_by_label("Data bits").select_option("7")
    form.get_by_label("Stop bits").select_option("2")
    form.get_by_label("Parity").select_option("even")
    saved(form)
    first = daemon.get("config/serial")[0]
    assert first == {
        "mode": "log",
        "baudRate": 9600,
        "dataBits": "7",
        "stopBits": "2",
        "parity": "even",
    }
    form.get_by_label("Bits per second").fill("1")
    press(form, "Save")
    expect(form.locator(".field-error")).to_contain_text("1 is not permitted", timeout=15_000)
    daemon.post("config/serial", [{"mode": "none"}, {}])


def test_a_display_that_is_not_there_is_explained(at):
    page = at("#/settings/display")
    expect(card(page, "Nextion display")).to_contain_text(
        "No serial port is used for a display", timeout=25_000
    )


def test_a_password_is_asked_for_as_soon_as_it_is_set(own_daemon, open_page, chromium):
    page = open_page(own_daemon, path="#/settings/security").page
    form = card(page, "User and password")
    form.get_by_label("User", exact=True).fill("me")
    form.get_by_label("New password").fill("se:cret")
    form.get_by_label("Once more").fill("secret")
    press(form, "Set")
    expect(form.locator(".field-error")).to_have_text("the two passwords differ")
    form.get_by_label("Once more").fill("se:cret")
    press(form, "Set")
    expect(form.locator(".form-foot .feedback")).to_contain_text("Set.", timeout=25_000)
    assert own_daemon.ask("GET", "state")[0] == 401
    known = {"username": "me", "password": "se:cret"}
    page = open_page(own_daemon, path="#/settings/security", http_credentials=known).page
    form = card(page, "User and password")
    press(form, "Remove")
    answer(page, "Remove")
    expect(form.locator(".form-foot .feedback")).to_have_text("Removed", timeout=25_000)
    assert own_daemon.ask("GET", "state")[0] == 200


# --- schedule ---

EMPTY = dict.fromkeys(("mon", "tue", "wed", "thu", "fri", "sat", "sun"), 0)


@pytest.fixture
def no_schedules(daemon):
    clock = {"ntpServer": "pool.ntp.org", "ntpFromDhcp": False}
    daemon.post("config/scheduler", {"schedules": [], "timezone": "Etc/UTC", **clock})
    yield daemon
    daemon.post("config/scheduler", {"schedules": [], "timezone": "Etc/UTC"})
    daemon.post("state", {"enabled": True})


@SIZES
def test_hours_are_marked_by_pointer_and_by_words(no_schedules, at, viewport):
    page = at("#/schedule", viewport)
    press(page, "Add a schedule")
    one = card(page, "Schedule 1")
    one.get_by_label("In the marked hours").select_option("ch_cur_8a")
    cell = one.get_by_role("gridcell", name="Tuesday 03:00–04:00")
    cell.click()
    expect(cell).to_have_attribute("aria-selected", "true")
    one.get_by_label("Days").select_option("weekend")
    one.get_by_label("From").select_option("22")
    one.get_by_label("To", exact=True).select_option("2")
    press(one, "Mark")
    week_saved(page)
    late, early = 1 << 22 | 1 << 23, 0b11
    wanted = EMPTY | {"mon": early, "tue": 1 << 3, "sat": late, "sun": late | early}
    assert no_schedules.get("config/scheduler")["schedules"] == [{"action": "ch_cur_8a", **wanted}]
    expect(page.locator("#next-event")).to_be_visible()


def test_hours_are_painted_with_the_mouse(no_schedules, at):
    page = at("#/schedule")
    press(page, "Add a schedule")
    cells = [page.get_by_role("gridcell", name=f"Friday {hour:02}:00") for hour in (8, 11)]
    boxes = [cell.bounding_box() for cell in cells]
    for box, act in zip(boxes, (page.mouse.down, page.mouse.up), strict=True):
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, steps=12)
        act()
    expect(page.locator(".week-cell[aria-selected=true]")).to_have_count(4)
    week_saved(page)
    fri = no_schedules.get("config/scheduler")["schedules"][0]["fri"]
    assert fri == 0b1111 << 8


def test_hours_are_marked_from_the_keyboard(no_schedules, at):
    page = at("#/schedule")
    press(page, "Add a schedule")
    page.get_by_role("gridcell", name="Monday 00:00–01:00").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    for _ in range(3):
        page.keyboard.press("Shift+ArrowRight")
    expect(page.get_by_role("gridcell", name="Tuesday 04:00–05:00")).to_be_focused()
    week_saved(page)
    assert no_schedules.get("config/scheduler")["schedules"][0]["tue"] == 0b11110


def test_schedules_in_each_others_way_are_pointed_out_and_can_be_removed(no_schedules, at):
    night = EMPTY | {"mon": 0b111}
    two = [{"action": "enable", **night}, {"action": "enable", **night}]
    no_schedules.post("config/scheduler", {"schedules": two})
    page = at("#/schedule")
    expect(page.locator(".warning")).to_contain_text("Schedules 1 and 2")
    press(page, "Remove schedule 2")
    answer(page, "Remove")
    expect(page.locator(".warning")).to_have_count(0)
    press(card(page, "Schedule 1"), "Monday for every day")
    week_saved(page)
    days = {**dict.fromkeys(EMPTY, 0b111), "action": "enable"}
    assert no_schedules.get("config/scheduler")["schedules"] == [days]


@SIZES
def test_times_to_the_minute_are_set(no_schedules, at, viewport):
    page = at("#/schedule", viewport)
    press(page, "Add a schedule")
    one = card(page, "Schedule 1")
    one.get_by_role("switch", name="To the minute").check()
    one.get_by_label("Days").select_option("mon,tue,wed,thu,fri")
    one.get_by_label("From").fill("22:15")
    one.get_by_label("To", exact=True).fill("05:45")
    one.get_by_label("To", exact=True).blur()
    week_saved(page)
    window = {"days": ["mon", "tue", "wed", "thu", "fri"], "start": "22:15", "end": "05:45"}
    assert no_schedules.get("config/scheduler")["schedules"][0]["windows"] == [window]
    expect(page.locator("#next-event")).to_contain_text(re.compile("22:15|05:45"), timeout=15_000)
    one.get_by_role("switch", name="To the minute").uncheck()
    week_saved(page)
    assert "windows" not in no_schedules.get("config/scheduler")["schedules"][0]


@SIZES
def test_clock_and_zone_are_set(no_schedules, at, viewport):
    page = at("#/schedule", viewport)
    clock = card(page, "Clock of the station")
    expect(clock.locator(".clock")).to_contain_text(":")
    shown = clock.locator(".clock").text_content()
    expect(clock.locator(".clock")).not_to_have_text(shown)
    press(clock, "Set to the time of this device")
    expect(clock.locator(".feedback")).to_have_text("Set", timeout=15_000)
    form = card(page, "Time zone and time server")
    form.get_by_label("Time zone", exact=True).fill("Mars/Base")
    press(form, "Save")
    expect(form.locator(".field-error")).to_contain_text("no such time zone", timeout=15_000)
    form.get_by_label("Time zone", exact=True).fill("Europe/Prague")
    form.get_by_label("Time server", exact=True).fill("ntp.example.net")
    form.get_by_role("switch", name="Take the time server").check()
    saved(form)
    found = no_schedules.get("config/scheduler")
    assert (found["timezone"], found["ntpServer"]) == ("Europe/Prague", "ntp.example.net")
    assert found["ntpFromDhcp"] is True


# --- system ---


def downloaded(page, act):
    with page.expect_download(timeout=60_000) as expected:
        act()
    return expected.value.path().read_bytes()


@SIZES
def test_the_log_is_followed_filtered_and_saved(daemon, at, viewport):
    page = at("#/system", viewport)
    log = card(page, "Log")
    expect(log.locator(".log")).to_contain_text("listening on", timeout=20_000)
    daemon.post("config/modbus", {"unitId": 40 if viewport is WIDE else 41})
    expect(log.locator(".log")).to_contain_text("modbus changed by", timeout=20_000)
    log.get_by_label("Containing").fill("modbus changed")
    expect(log.locator(".log")).not_to_contain_text("listening on")
    body = downloaded(page, lambda: press(log, "Download")).decode()
    assert "listening on" in body
    assert body.endswith("\n")
    log.get_by_label("Containing").fill("no such words in any line")
    expect(log).to_contain_text("No line to show.")
    log.get_by_label("Containing").fill("")
    press(log, "Clear view")
    expect(log).to_contain_text("No line to show.")


@SIZES
def test_facts_and_health_are_shown_with_their_units(daemon, at, viewport):
    page = at("#/system", viewport)
    about = page.locator("#about")
    for words in ("v0.", "Simulated EVSE", "residual current monitor", "MB used", "cores"):
        expect(about).to_contain_text(words, timeout=20_000)
    health = page.locator("#health")
    expect(health).to_contain_text(re.compile(r"worst delay\s*[\d.,]+ ms"))
    expect(health).to_contain_text("Contactor closed so far")


def test_a_backup_is_downloaded_and_restored(daemon, at, tmp_path):
    daemon.post("config/modbus", {"unitId": 77})
    page = at("#/system")
    box = page.locator("#backup")
    body = downloaded(page, lambda: box.get_by_role("link", name="Download a backup").click())
    archive = tmp_path / "backup.zip"
    archive.write_bytes(body)
    daemon.post("config/modbus", {"unitId": 78})
    box.get_by_label("Backup (.zip)").set_input_files(archive)
    press(box, "Restore")
    answer(page, "Restore")
    expect(box.locator(".feedback")).to_have_text("Restored", timeout=60_000)
    assert daemon.get("config/modbus")["unitId"] == 77


def test_a_diagnosis_has_what_helps_and_no_password(daemon, at):
    daemon.post("config/wifi", {"ssid": "Garage", "password": "very secret words"})
    page = at("#/system")
    link = page.get_by_role("link", name="Download a diagnosis")
    body = downloaded(page, link.click)
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        found = {name.split("/", 1)[1]: archive.read(name) for name in archive.namelist()}
    texts = ("info.json", "state.json", "reason.json", "settings.json", "log.txt", "board.yaml")
    assert set(texts) <= set(found)
    assert json.loads(found["settings.json"])["wifi"]["ssid"] == "Garage"
    assert b"listening on" in found["log.txt"]
    assert b"very secret" not in b"".join(found.values())


def test_updates_are_looked_for_and_a_bad_package_is_refused(daemon, at, tmp_path):
    page = at("#/system")
    box = page.locator("#update")
    expect(box.get_by_label("Channel")).to_have_value(daemon.get("firmware/channel"))
    press(box, "Look for an update")
    expect(box.locator(".card-head .feedback")).to_contain_text("Refused:", timeout=30_000)
    package = tmp_path / "evsed.deb"
    package.write_bytes(b"!<arch>\n" + bytes(2000))
    box.get_by_label("Package (.deb)").set_input_files(package)
    press(box, "Install")
    answer(page, "Install")
    expect(box.locator(".file-send .feedback")).to_contain_text("Refused:", timeout=30_000)


def test_a_restart_asks_first_and_the_page_comes_back(own_daemon, open_page):
    page = open_page(own_daemon, path="#/system").page
    box = page.locator("#restart")
    press(box, "Restart")
    answer(page, "Cancel")
    press(box, "Restart")
    answer(page, "Restart the station")
    own_daemon.process.wait(30)
    own_daemon.reading.join(10)
    own_daemon.process.stderr.close()
    own_daemon.start()
    expect(page.locator("#link-text")).to_have_text("Live", timeout=30_000)
    expect(page.locator("#about")).to_contain_text("Running for")


def test_the_end_of_an_earlier_run_is_shown_once(own_daemon, open_page):
    own_daemon.process.kill()
    own_daemon.stop()
    own_daemon.start()
    page = open_page(own_daemon, path="#/system").page
    notice = page.locator("#panic")
    expect(notice).to_contain_text("did not end in order", timeout=20_000)
    assert downloaded(page, lambda: press(notice, "Download"))
    press(notice, "Seen, remove it")
    expect(notice).to_have_count(0)
    assert own_daemon.ask("GET", "log/panic")[1] == b""


def test_factory_settings_ask_first(own_daemon, open_page):
    own_daemon.post("config/discovery", {"instanceName": "Garage"})
    page = open_page(own_daemon, path="#/system").page
    press(page.locator("#restart"), "Factory settings")
    answer(page, "Cancel")
    press(page.locator("#restart"), "Factory settings")
    answer(page, "Back to factory settings")
    own_daemon.process.wait(30)
    own_daemon.reading.join(10)
    own_daemon.process.stderr.close()
    own_daemon.start()
    assert own_daemon.get("config/discovery")["instanceName"] == "EVSE"


def test_a_channel_is_calibrated(daemon, at):
    daemon.post("simulator", {"vehicle": "charging"})
    page = at("#/commissioning")
    box = page.locator(".card").filter(has=page.get_by_role("heading", name="Calibration"))
    expect(page.locator(".step").filter(has_text="clamp meter")).to_contain_text(
        re.compile(r"L1\s*2\d\d\.\d V"), timeout=30_000
    )
    press(box, "Measure")
    expect(box.locator(".field-error")).to_contain_text("expected", timeout=30_000)
    box.get_by_label("The other meter reads").fill("234.5")
    press(box, "Measure")
    expect(box.locator(".feedback")).to_contain_text("Corrected", timeout=60_000)
    press(box, "Forget")
    expect(box.locator(".feedback")).to_contain_text("The scales of the board", timeout=30_000)


@SIZES
def test_commissioning_leads_through_its_steps(daemon, at, viewport):
    page = at("#/system", viewport)
    page.locator("a[href='#/commissioning']").click()
    expect(page.locator(".progress")).to_have_text("0 of 7 steps done")
    page.get_by_role("checkbox", name="What is fitted").check()
    form = page.locator("form").first
    form.get_by_label("Highest current").fill("25")
    saved(form)
    assert daemon.get("config/evse")["maxChargingCurrent"] == 25
    page.reload()
    expect(page.locator(".progress")).to_have_text("1 of 7 steps done")
