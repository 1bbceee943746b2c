#!/usr/bin/env python3
"""Take the pictures in docs/screenshots anew: every page, wide and phone, light and dark.

Needs Chromium and pngquant (apt install chromium pngquant) and takes five minutes; longer on a busy
machine, where a fault of the simulated charger makes it begin anew. Run it with
``make screenshots`` after a change of the pages, and look at what comes out.
"""

import http.client
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "browser"), str(ROOT / "tests")]

from conftest import Daemon  # noqa: E402  # found only now
from playwright.sync_api import Browser, Page, sync_playwright  # noqa: E402
from sessions_world import SmallStation  # noqa: E402

from evsed.charging.states import Reason  # noqa: E402
from evsed.services.sessions.service import database_file  # noqa: E402
from evsed.settings.tariff import SessionsSettings  # noqa: E402

FOLDER = ROOT / "docs" / "screenshots"
SIZES = {
    "wide": {"width": 1280, "height": 860},
    "phone": {"width": 390, "height": 844},
}
PAGES = {
    "home": "#/",
    "history": "#/history",
    "schedule": "#/schedule",
    "settings": "#/settings/charging",
    "system": "#/system",
    "commissioning": "#/commissioning",
    "scripts": "scripts.html#/usr/lua/init.lua",
}
ATTEMPTS = 5
PATIENCE_MS = 180_000
DAYS, DAY_S, STEP_MS = 180, 86_400, 20_000
#: Hours of each charge in turn, at so many amperes.
HOURS, AMPERES = (1, 2, 1, 1, 3, 1, 4, 1, 1, 2, 1, 6, 2), 15.4
#: Pictures of a car that has been charging for so long show something.
LEAST_CHARGING_S = 15
#: taken before a car comes, whose faults would stand in the history
QUIET = {"history"}
#: so that the curve is seen as well
TALL = {"home": 1240}
NIGHT = 0b11 << 22 | 0b111111
SCRIPT = ROOT / "docs" / "scripts" / "hello" / "hello.lua"
#: currents, and for how many seconds, so that there is a curve to see
CHARGE = ((16, 16), (10, 12), (13, 12), (16, 14))


class FaultyError(Exception):
    """A busy machine has caused a fault, and it stands in the history."""


def main() -> None:
    """Charge a simulated car, and take pictures of it; only of pages that are named, if any."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for _ in range(ATTEMPTS):
        try:
            take_from_a_new_charger()
            break
        except FaultyError as fault:
            print(f"{fault}: once more, from the beginning")
    else:
        sys.exit("this machine is too busy")
    shrink(sys.argv[1:] or PAGES)


def take_from_a_new_charger() -> None:
    """Run one for as long as its pictures are taken."""
    with tempfile.TemporaryDirectory() as folder:
        fill_history(Path(folder))
        daemon = Daemon(Path(folder))
        daemon.start()
        try:
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(
                    executable_path=shutil.which("chromium"), args=["--no-sandbox"]
                )
                wanted = {name: at for name, at in PAGES.items() if name in (sys.argv[1:] or PAGES)}
                prepare(daemon)
                take_all(browser, daemon, {name: wanted[name] for name in wanted if name in QUIET})
                busy = {name: wanted[name] for name in wanted if name not in QUIET}
                if busy:
                    charge(daemon)
                    take_all(browser, daemon, busy, lambda: wait_until_charging(daemon))
        finally:
            daemon.stop()


def fill_history(state_dir: Path) -> None:
    """Write half a year of somebody who drives to work and, some weekends, farther."""
    street = SmallStation(database_file(state_dir)).look().idle().run(1)
    street.wall_s = time.time() - DAYS * DAY_S
    street.tariff = SessionsSettings(price_e4=3219)
    for number in range(DAYS // 3):
        hours = HOURS[number % len(HOURS)]
        street.plug().run(300, STEP_MS).charge(AMPERES, phases=3).run(hours * 3600, STEP_MS)
        street.pause(Reason.VEHICLE_NOT_ASKING).run(3600, STEP_MS).unplug().run(1)
        rest_s = (3 - hours / 24) * DAY_S - 3900
        street.wall_s += rest_s
        street.now_ms += int(rest_s * 1000)
        street.step(0)
    street.writer._close()


def prepare(daemon: Daemon) -> None:
    """Set the station up as somebody would."""
    week = dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), NIGHT)
    week |= dict.fromkeys(("sat", "sun"), 0xFFFFFF)
    schedules = [{"action": "ch_cur_10a", **week}]
    daemon.post("config/scheduler", {"timezone": "Europe/Berlin", "schedules": schedules})
    daemon.post("config/evse", {"energyMeterThreePhases": True})
    daemon.post("config/sessions", {"price": 0.3219})
    put(daemon, SCRIPT.read_bytes())
    daemon.post("config/script", {"enabled": True, "autoReload": True})


def charge(daemon: Daemon) -> None:
    """Charge one car, so that there is a curve, and begin with another."""
    daemon.post("simulator", {"vehicle": "charging"})
    for current, seconds in CHARGE:
        daemon.post("state/charging-current", current)
        time.sleep(seconds)
    daemon.post("simulator", {"vehicle": "none"})
    time.sleep(4)
    daemon.post("simulator", {"vehicle": "charging"})
    daemon.post("state/charging-current", 16)


def wait_until_charging(daemon: Daemon) -> None:
    """Wait until the car has been charging for a while, with nothing wrong in the history."""
    for _ in range(400):
        if daemon.get("sessions?faulty=true")["sessions"]:
            raise FaultyError("there was a fault")
        now = daemon.get("state")
        if now["state"] == "C2" and now["chargingTime"] >= LEAST_CHARGING_S:
            return
        time.sleep(0.25)
    raise RuntimeError("the car is not being charged")


def put(daemon: Daemon, script: bytes) -> None:
    """Make a script the one the engine starts with."""
    connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=10)
    for _ in range(50):
        connection.request("PUT", "/dav/usr/lua/init.lua", script)
        answer = connection.getresponse()
        answer.read()
        if answer.status < 300:
            return
        time.sleep(0.2)  # a station that has just been started is not ready yet
    raise RuntimeError(f"the script was refused: {answer.status}")


def take_all(
    browser: Browser,
    daemon: Daemon,
    pages: dict[str, str],
    ready: Callable[[], None] = lambda: None,
) -> None:
    """Take pages in both sizes and themes; before and after each the station has to be ready."""
    for size, viewport in SIZES.items():
        for theme in ("light", "dark"):
            context = browser.new_context(viewport=viewport, color_scheme=theme, locale="en-GB")
            page = context.new_page()
            for name, path in pages.items():
                ready()
                tall = TALL.get(name, 0) if size == "wide" else 0
                page.set_viewport_size({**viewport, "height": tall or viewport["height"]})
                page.goto(f"{daemon.address}/{path}", timeout=PATIENCE_MS)
                take(page, FOLDER / f"{name}-{size}-{theme}.png")
                ready()
            context.close()


def take(page: Page, file: Path) -> None:
    """Take one page once it has settled."""
    page.locator("h1").first.wait_for(state="attached", timeout=PATIENCE_MS)
    page.locator("#link[data-link=live]").wait_for(timeout=PATIENCE_MS)
    page.wait_for_timeout(2500)  # charts are drawn, answers are in
    page.screenshot(path=file)
    print(file.relative_to(ROOT))


def shrink(names: Iterable[str]) -> None:
    """Reduce the pictures to a palette: a quarter of the size, and nobody sees it."""
    files = [str(file) for name in names for file in FOLDER.glob(f"{name}-*.png")]
    subprocess.run(
        ["pngquant", "--force", "--ext", ".png", "--quality", "60-90", "--speed", "1", *files],
        check=True,
    )
    total = sum(Path(file).stat().st_size for file in files)
    print(f"{len(files)} pictures, {total // 1024} kB")


if __name__ == "__main__":
    main()
