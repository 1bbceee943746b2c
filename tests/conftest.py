"""Programs of other projects that some test files use, and what happens where they are missing.

Being here also makes the modules beside this file importable from every test.
"""

import shutil
from pathlib import Path

#: A module of the system's Python, that plays services of the operating system.
DBUSMOCK = "/usr/lib/python3/dist-packages/dbusmock/__init__.py"
#: Test file, and the programs it cannot do without: all in Debian, all installed by .ci/run.
NEEDED = {
    "test_webdav_clients.py": ("litmus", "rclone", "cadaver"),
    "test_modbus_clients.py": ("mbpoll", "socat"),
    "test_external_meter.py": ("socat",),
    "test_updates.py": ("minisign",),
    "test_update_service.py": ("minisign",),
    "test_update_fetch.py": ("minisign", "openssl"),
    "test_signatures.py": ("minisign",),
    "test_root_program.py": ("minisign",),
    "test_update_unit.py": ("dbus-daemon",),
    "test_exposure.py": ("systemd-analyze",),
    "test_mqtt_broker.py": ("mosquitto", "mosquitto_pub"),
    "test_mqtt_process.py": ("mosquitto",),
    "test_mqtt_strangers.py": ("mosquitto", "openssl"),
    "test_network_manager.py": ("dbus-daemon", DBUSMOCK),
    "test_network_daemon.py": ("dbus-daemon", DBUSMOCK),
    "test_time_date.py": ("dbus-daemon", DBUSMOCK),
    "test_hostile_names.py": ("dbus-daemon", DBUSMOCK),
    "test_metrics.py": ("promtool",),
    "test_mqtt_daemon.py": ("mosquitto", "mosquitto_passwd", "openssl"),
    "test_ocpp_connection.py": ("openssl",),
    "test_script_mqtt.py": ("mosquitto", "mosquitto_pub"),
    "test_fault_stories.py": ("mosquitto", "mosquitto_pub"),
}
#: Where Debian puts servers, which is not in everybody's path.
PLACES = ("/usr/sbin", "/usr/local/sbin")


def pytest_addoption(parser):
    parser.addoption(
        "--leave-out-missing",
        action="store_true",
        help="leave out, and name, the test files whose programs are not installed",
    )


def pytest_collection_modifyitems(config, items):
    if not config.getoption("--leave-out-missing"):
        return  # they fail, and say what is not there
    left_out = {name for name, programs in NEEDED.items() if not all(map(is_there, programs))}
    kept = [item for item in items if item.path.name not in left_out]
    if len(kept) < len(items):
        config.hook.pytest_deselected(items=[item for item in items if item not in kept])
        items[:] = kept


def pytest_report_header(config):
    if not config.getoption("--leave-out-missing"):
        return None
    missing = sorted({one for programs in NEEDED.values() for one in programs if not is_there(one)})
    return f"not installed, their tests are left out: {', '.join(missing)}" if missing else None


def is_there(program):
    """Tell whether a program, or a file with its whole path, is installed."""
    if program.startswith("/"):
        return Path(program).exists()
    return any(shutil.which(program, path=path) for path in (None, *PLACES))
