"""What the charger does to a real NetworkManager, timedated, timesyncd and avahi; in the machine.

Only the standard library. Each step prints what it saw; the first that is not as it should be ends
the program with a traceback.
"""

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

API = "http://127.0.0.1:8080/api/v1"
SSID, PASSPHRASE = os.environ["SSID"], os.environ["PASSPHRASE"]
STATION_NET = "192.168.77."
#: Emulated machines take their time.
PATIENCE = 1 + int(os.environ.get("SLOW", "1"))
DAY_S = 86400


def get(path):
    with urllib.request.urlopen(f"{API}{path}", timeout=30) as answer:
        return json.loads(answer.read())


def log():
    try:
        with urllib.request.urlopen(f"{API}/log", timeout=30) as answer:
            return answer.read().decode()
    except OSError as error:
        return f"no log: {error}"


def post(path, body):
    request = urllib.request.Request(
        f"{API}{path}", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def until(what, condition, within_s):
    within_s *= PATIENCE
    began = time.monotonic()
    while True:
        try:
            found = condition()
        except (OSError, subprocess.SubprocessError):
            found = None
        if found:
            took_s = time.monotonic() - began
            sys.stdout.write(f"{what}: {found!r} after {took_s:.1f} s\n")
            sys.stdout.flush()
            return found
        if time.monotonic() - began > within_s:
            raise AssertionError(f"{what}: not within {within_s} s\n{log()}")
        time.sleep(0.3)


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


def say(line):
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def same(what, found, wanted):
    assert found == wanted, f"{what}: {found!r}, expected {wanted!r}"
    say(f"{what}: {found!r}")


def profiles():
    lines = run("nmcli", "-t", "-f", "NAME", "connection").splitlines()
    return sorted(name for name in lines if name.startswith("evsed-"))


def address(wanted=STATION_NET):
    ip = get("/wifi/state")["ip"]
    return ip if ip.startswith(wanted) else None


def station():
    until("scan", lambda: [one for one in get("/wifi/scan") if one["ssid"] == SSID], 60)
    began = time.monotonic()
    same("POST /config/wifi", post("/config/wifi", {**ours(), "enabled": True}), 200)
    assert time.monotonic() - began < 5, "the answer has to come before the radio is touched"
    until("joined, address", address, 90)
    until("signal", lambda: -60 < get("/wifi/state")["rssi"] < 0, 10)
    same("connections", profiles(), ["evsed-sta"])
    until("log", lambda: "Wi-Fi: joined" in log(), 10)


def ours():
    return {"ssid": SSID, "password": PASSPHRASE, "staticEnabled": False}


def wrong_settings():
    before = get("/config/wifi")
    same("POST a wrong password", post("/config/wifi", {"password": "wrong horse"}), 200)
    until("log", lambda: "Wi-Fi: the settings are those before again" in log(), 150)
    until("joined again, address", address, 30)
    same("settings", get("/config/wifi"), before)
    same("connections", profiles(), ["evsed-sta"])
    fixed = {
        "staticEnabled": True,
        "staticIp": f"{STATION_NET}50",
        "staticGateway": f"{STATION_NET}1",
        "staticNetmask": "255.255.255.0",
    }
    same("POST fixed addresses", post("/config/wifi", fixed), 200)
    until("fixed address", lambda: address(f"{STATION_NET}50"), 90)
    wrong = {"staticIp": f"{STATION_NET}60", "staticGateway": f"{STATION_NET}99"}
    same("POST a gateway nobody has", post("/config/wifi", wrong), 200)
    until("tried", lambda: address(f"{STATION_NET}60"), 60)
    until("fixed address again", lambda: address(f"{STATION_NET}50"), 150)
    until("settings", lambda: get("/config/wifi")["staticGateway"] == f"{STATION_NET}1", 10)


def hostile():
    for name in ("a" * 10000, "nul\0", "line\nbreak", "ü" * 17):
        same(f"POST ssid {name[:9]!r}", post("/config/wifi", {"ssid": name}), 400)
    for zone in ("$(reboot)", "../../etc/passwd", "CET-1CEST; reboot", "a" * 10000):
        same(f"POST zone {zone[:9]!r}", post("/config/scheduler", {"timezone": zone}), 400)
    for server in ("$(reboot)", "a b", "-x", "a\0", "\u202eten", "a" * 10000):
        same(f"POST server {server[:9]!r}", post("/config/scheduler", {"ntpServer": server}), 400)
    for host in ("$(reboot)", "a.b", "\u202ea", "a\0", "a" * 10000):
        same(f"POST host {host[:9]!r}", post("/config/discovery", {"hostname": host}), 400)


def network_manager_restarts():
    run("systemctl", "restart", "NetworkManager")
    until("joined after a restart of NetworkManager", address, 90)


def access_point():
    key = run("runuser", "-u", "evsed", "--", "cat", "/var/lib/evsed/access-point").strip()
    assert len(key) == 12, key
    same("POST ap", post("/wifi/state/ap", True), 200)
    now = until("started", lambda: get("/wifi/state") if get("/wifi/state")["apEnabled"] else 0, 60)
    same("its address", now["apIp"], "192.168.4.1")
    same("its name", now["apSsid"], f"evse-{now['apMac'].replace(':', '')[-6:].lower()}")
    same("connections", profiles(), ["evsed-ap", "evsed-sta"])
    same("POST ap off", post("/wifi/state/ap", False), 200)
    until("stopped", lambda: not get("/wifi/state")["apEnabled"], 30)
    until("the station is back", address, 60)


def access_point_and_clients():
    """The other radio leaves its access point and becomes a client of ours."""
    post("/wifi/state/ap", True)
    name = until("started", lambda: get("/wifi/state")["apEnabled"], 60) and get("/wifi/state")
    key = run("cat", "/var/lib/evsed/access-point").strip()
    run("evse-sim-wifi", "ap", "down")
    inside = ("ip", "netns", "exec", "air")
    card = run(*inside, "iw", "dev").split("Interface ")[1].split()[0]
    network = f'network={{\nssid="{name["apSsid"]}"\npsk="{key}"\n}}\n'
    Path("client.conf").write_text(network, encoding="utf-8")
    run(*inside, "wpa_supplicant", "-B", "-i", card, "-c", "client.conf", "-P", "/run/client.pid")
    until("a client", lambda: "Connected to" in run(*inside, "iw", "dev", card, "link"), 60)
    began = time.monotonic()
    while time.monotonic() - began < 75:
        assert get("/wifi/state")["apEnabled"], "ended although somebody is connected"
        time.sleep(1)
    say("after 75 s with a client: still on")
    os.kill(int(Path("/run/client.pid").read_text(encoding="ascii")), 15)
    run("evse-sim-wifi", "ap", "up")
    left = time.monotonic()
    until("ended without a client", lambda: not get("/wifi/state")["apEnabled"], 90)
    assert time.monotonic() - left > 50, "ended too early"
    until("the station is back", address, 90)


def found_by_avahi():
    def seen(host, instance):
        lines = run("avahi-browse", "-rpt", "_http._tcp").splitlines()
        rows = [line for line in lines if line.startswith("=") and f";{host}.local;" in line]
        return [row for row in rows if instance in row and ";8080;" in row]

    row = until("avahi-browse", lambda: seen("evse", "EVSE"), 60)[0]
    for text in ('"path=/"', '"api=/api/v1"', '"app=evsed"', '"version=v'):
        assert text in row, row
    until("evse.local", lambda: run("avahi-resolve", "-n4", "evse.local").split()[1:], 30)
    system = run("hostname").strip().lower()
    post("/config/discovery", {"hostname": system, "instanceName": "Garage \u202e 'x'"})
    until("beside avahi's own name", lambda: seen(f"{system}-2", "Garage"), 30)
    same("the setting stays", get("/config/discovery")["hostname"], system)
    same("the system's name stays", run("hostname").strip().lower(), system)


def clock():
    same("zone of the first start", get("/config/scheduler")["timezone"], "Asia/Tokyo")
    ntp = ("timedatectl", "show", "--property", "NTP", "--value")
    same("POST NTP off", post("/config/scheduler", {"ntpEnabled": False}), 200)
    until("NTP off", lambda: run(*ntp).strip() == "no", 30)
    server = "time.example.org"
    post("/config/scheduler", {"ntpEnabled": True, "ntpServer": server})
    until("NTP on", lambda: run(*ntp).strip() == "yes", 30)
    until("server", lambda: server in servers(), 40)
    run("systemctl", "restart", "systemd-timesyncd")
    until("server after a restart of timesyncd", lambda: server in servers(), 60)
    post("/config/scheduler", {"timezone": "Europe/Prague"})
    zone = run("timedatectl", "show", "--property", "Timezone", "--value").strip()
    same("the system's zone stays", zone, "Asia/Tokyo")


def servers():
    timesync = ("org.freedesktop.timesync1", "/org/freedesktop/timesync1")
    interface = "org.freedesktop.timesync1.Manager"
    return run("busctl", "get-property", *timesync, interface, "RuntimeNTPServers")


def clock_jumps():
    """A session is charged through two jumps of a day; nothing of it may follow them."""
    post("/simulator", {"vehicle": "charging"})
    until("charging", lambda: get("/state")["state"] == "C2", 60)
    began_s, before = time.monotonic(), get("/state")
    for days in (1, -1):
        wanted = time.time() + days * DAY_S
        same("POST /time", post("/time", wanted), 200)
        assert abs(time.time() - wanted) < 10, "the machine's clock is not what was posted"
        assert abs(get("/time") - wanted) < 10
        time.sleep(3)
    after, passed_s = get("/state"), time.monotonic() - began_s
    for key in ("sessionTime", "chargingTime"):
        grown = after[key] - before[key]
        assert abs(grown - passed_s) < 5, f"{key} grew by {grown} in {passed_s:.1f} s"
        say(f"{key}: grew by {grown} s in {passed_s:.1f} s, over two jumps of a day")
    same("state", after["state"], "C2")
    same("errors", after["errors"], None)
    assert "clock: jumped by" in log()
    ntp = run("timedatectl", "show", "--property", "NTP", "--value").strip()
    same("NTP is on again", ntp, "yes")
    post("/simulator", {"vehicle": "none"})


def restarts():
    before = get("/info")["uptime"]
    same("POST /restart", post("/restart", None), 200)
    until("restarted", lambda: get("/info")["uptime"] < before, 60)
    until("still joined", address, 60)
    same("connections", profiles(), ["evsed-ap", "evsed-sta"])


STEPS = {
    step.__name__: step
    for step in (
        station,
        clock,
        found_by_avahi,
        wrong_settings,
        hostile,
        network_manager_restarts,
        access_point,
        access_point_and_clients,
        clock_jumps,
        restarts,
    )
}

until("the charger answers", lambda: get("/info")["appVersion"], 120)
for name in sys.argv[1:]:
    say(f"== {name}")
    STEPS[name]()
say("network: all as expected")
