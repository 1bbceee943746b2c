#!/usr/bin/env python3
"""Take the pictures in docs/screenshots anew: every page, wide and phone, light and dark.

Needs Chromium and pngquant (apt install chromium pngquant) and takes two minutes. Run it with
``make screenshots`` after a change of the pages, and look at what comes out.
"""

import http.client
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "browser"))

from conftest import Daemon  # noqa: E402  # found only now
from playwright.sync_api import Page, sync_playwright  # noqa: E402

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
#: so that the curve is seen as well
TALL = {"home": 1240}
NIGHT = 0b11 << 22 | 0b111111
SCRIPT = ROOT / "docs" / "scripts" / "hello" / "hello.lua"
#: currents, and for how many seconds, so that there is a curve to see
CHARGE = ((16, 16), (10, 12), (13, 12), (16, 14))


def main() -> None:
    """Charge a simulated car, and take pictures of it; only of pages that are named, if any."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        daemon = Daemon(Path(folder))
        daemon.start()
        try:
            prepare(daemon)
            with sync_playwright() as playwright:
                take_all(playwright, daemon)
        finally:
            daemon.stop()
    shrink()


def prepare(daemon: Daemon) -> None:
    """Let the station be in use."""
    week = dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), NIGHT)
    week |= dict.fromkeys(("sat", "sun"), 0xFFFFFF)
    schedules = [{"action": "ch_cur_10a", **week}]
    daemon.post("config/scheduler", {"timezone": "Europe/Berlin", "schedules": schedules})
    daemon.post("config/evse", {"energyMeterThreePhases": True})
    put(daemon, SCRIPT.read_bytes())
    daemon.post("config/script", {"enabled": True, "autoReload": True})
    for _ in range(2):
        daemon.post("simulator", {"vehicle": "charging"})
        for current, seconds in CHARGE:
            daemon.post("state/charging-current", current)
            time.sleep(seconds)
        daemon.post("simulator", {"vehicle": "none"})
        time.sleep(4)
    daemon.post("simulator", {"vehicle": "charging"})
    daemon.post("state/charging-current", 16)
    time.sleep(15)


def wait_for(daemon: Daemon, state: str) -> None:
    """Wait until the station is in a state; a busy machine may have caused a fault of 60 s."""
    for _ in range(400):
        if daemon.get("state")["state"] == state:
            return
        time.sleep(0.25)
    raise RuntimeError(f"the station does not come to state {state}")


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


def take_all(playwright: object, daemon: Daemon) -> None:
    """Take every page in both sizes and themes."""
    chromium = shutil.which("chromium")
    browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
    known = daemon.get("extensions")["paths"]
    for size, viewport in SIZES.items():
        for theme in ("light", "dark"):
            context = browser.new_context(viewport=viewport, color_scheme=theme, locale="en-GB")
            page = context.new_page()
            for name, path in PAGES.items():
                if sys.argv[1:] and name not in sys.argv[1:]:
                    continue
                if name == "history" and "/sessions" not in known:
                    continue
                wait_for(daemon, "C2")
                tall = TALL.get(name, 0) if size == "wide" else 0
                page.set_viewport_size({**viewport, "height": tall or viewport["height"]})
                page.goto(f"{daemon.address}/{path}")
                take(page, FOLDER / f"{name}-{size}-{theme}.png")
            context.close()


def take(page: Page, file: Path) -> None:
    """Take one page once it has settled."""
    page.locator("h1").first.wait_for(state="attached")
    page.locator("#link[data-link=live]").wait_for(timeout=30_000)
    page.wait_for_timeout(2500)  # charts are drawn, answers are in
    page.screenshot(path=file)
    print(file.relative_to(ROOT))


def shrink() -> None:
    """Reduce the pictures to a palette: a quarter of the size, and nobody sees it."""
    files = [str(file) for file in FOLDER.glob("*.png")]
    subprocess.run(
        ["pngquant", "--force", "--ext", ".png", "--quality", "60-90", "--speed", "1", *files],
        check=True,
    )
    total = sum(Path(file).stat().st_size for file in files)
    print(f"{len(files)} pictures, {total // 1024} kB")


if __name__ == "__main__":
    main()
