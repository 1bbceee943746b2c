"""The whole daemon on the simulator, and the system's own Chromium."""

import http.client
import json
import re
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parents[2]
WIDE, PHONE = {"width": 1280, "height": 900}, {"width": 360, "height": 740}


class Daemon:
    """One running charger on any free port."""

    def __init__(self, state_dir):
        self.state_dir = state_dir
        self.port = 0

    def start(self):
        words = ["run", "--board", "sim", "--config", str(ROOT / "etc" / "evsed-sim.yaml")]
        words += ["--http-port", str(self.port), "--state-dir", str(self.state_dir)]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "evsed", *words],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.lines = []
        for line in self.process.stderr:
            self.lines.append(line)
            if found := re.search(r"listening on \S+ port (\d+)", line):
                self.port = int(found[1])
                break
        else:
            self.process.stderr.close()
            self.process.wait(5)
            pytest.fail("the daemon did not start:\n" + "".join(self.lines))
        self.reading = threading.Thread(target=self.lines.extend, args=[self.process.stderr])
        self.reading.start()

    def stop(self):
        self.process.terminate()
        self.process.wait(20)
        self.reading.join(5)
        self.process.stderr.close()

    @property
    def address(self):
        return f"http://127.0.0.1:{self.port}"

    def post(self, path, value):
        status, text = self.ask("POST", path, json.dumps(value))
        assert (status, text) == (200, b"OK")

    def get(self, path):
        return json.loads(self.ask("GET", path)[1])

    def until_state(self, wanted):
        self.until("state", wanted)

    def until(self, key, wanted):
        deadline = time.monotonic() + 30
        while (found := self.get("state")[key]) != wanted:
            assert time.monotonic() < deadline, found
            time.sleep(0.05)

    def ask(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            headers = {"Content-Type": "application/json"}
            connection.request(method, f"/api/v1/{path}", body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def begin_anew(self):
        """Put a used charger back to how it was at first."""
        healthy = {"diode": True, "rcm": False, "weld": False, "lockJam": False, "tempFault": False}
        self.post("simulator", {"vehicle": "none", "reaction": 0, **healthy})
        self.post("config/evse", {"maxChargingCurrent": 32, "requireAuth": False})
        start = {"available": True, "enabled": True, "chargingCurrent": 16}
        none = {"consumptionLimit": 0, "chargingTimeLimit": 0, "underPowerLimit": 0}
        self.post("state", start | none)
        for limit in self.get("limits")["limits"]:
            self.ask("DELETE", f"limits/{limit['owner']}")  # those of the charger itself stay


# Not for the whole session: while it lasts an event loop runs in this process, and tests of other
# modules start one of their own.
@pytest.fixture(scope="module")
def chromium():
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    assert found, "the browser tests need Chromium: apt install chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def daemon_class():
    """Return what runs a charger on a state directory of one's own."""
    return Daemon


@pytest.fixture(scope="session")
def shared_daemon(tmp_path_factory):
    daemon = Daemon(tmp_path_factory.mktemp("state"))
    daemon.start()
    yield daemon
    daemon.stop()


@pytest.fixture
def daemon(shared_daemon):
    if shared_daemon.process.poll() is not None:
        # The test before has failed on it; this one shall not.
        shared_daemon.stop()
        shared_daemon.start()
    if shared_daemon.get("state")["errors"] is not None:
        # A fault that an earlier test left behind would stay for 60 s.
        shared_daemon.stop()
        shared_daemon.start()
    shared_daemon.begin_anew()
    return shared_daemon


@pytest.fixture
def own_daemon(tmp_path):
    """A charger that a test may stop and start."""
    daemon = Daemon(tmp_path)
    daemon.start()
    yield daemon
    daemon.stop()


class Opened:
    """A page, and everything that went wrong or out of the house on it."""

    def __init__(self, browser, daemon, viewport, theme, path="", **more):
        self.context = browser.new_context(
            **{"locale": "en-GB", "viewport": viewport, "color_scheme": theme} | more
        )
        self.page = self.context.new_page()
        self.complaints, self.asked = [], set()
        self.page.on("console", self.note_console)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.asked.add(request.url))
        self.daemon = daemon
        self.page.goto(f"{daemon.address}/{path}")

    def another_tab(self):
        """Return one more tab of the same browser, at the same address."""
        page = self.context.new_page()
        page.on("console", self.note_console)
        page.goto(self.page.url)
        return page

    def note_console(self, message):
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)

    def lose_events(self):
        """Load again, with no way for an event stream; what a shared worker asks is not seen."""
        self.page.add_init_script("delete globalThis.SharedWorker")
        self.page.route("**/api/v1/events*", lambda route: route.abort())
        self.page.reload()

    def strangers(self):
        return [url for url in self.asked if not url.startswith(self.daemon.address)]


@pytest.fixture
def open_page(chromium):
    """Return a way to open the start page; every page is closed afterwards."""
    opened = []

    def open_one(daemon, viewport=WIDE, theme="light", path="", **more):
        opened.append(Opened(chromium, daemon, viewport, theme, path, **more))
        return opened[-1]

    yield open_one
    for one in opened:
        one.context.close()
