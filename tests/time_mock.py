"""A template for python-dbusmock: its own timedated, which refuses as the real one does.

The clock is not set while NTP is on, nor for a moment after it was switched off; both have one
error name. timesyncd is on the bus while NTP is on. Runs with the system's Python.

Parameters: those of the stock template; ``Linger``: how often setting is still refused afterwards;
``Timesync``: whether timesyncd comes at all; ``Servers``: what its administrator configured.
"""

import dbus
import dbusmock
from dbusmock.templates import timedated as stock

BUS_NAME = stock.BUS_NAME
MAIN_OBJ = stock.MAIN_OBJ
MAIN_IFACE = stock.MAIN_IFACE
SYSTEM_BUS = True
STILL_ON = "org.freedesktop.timedate1.AutomaticTimeSyncEnabled"
TIMESYNC = "org.freedesktop.timesync1"
MANAGER = f"{TIMESYNC}.Manager"


def load(mock, parameters):
    stock.load(mock, parameters)
    mock.linger = parameters.get("Linger", 0)
    mock.set_time, mock.set_ntp, mock.servers = set_time, set_ntp, []
    mock.timesync = None
    mock.with_timesync = parameters.get("Timesync", True)
    mock.configured = parameters.get("Servers", [])
    mock.AddMethods(
        MAIN_IFACE,
        [
            ("SetTime", "xbb", "", "self.set_time(self, args[0])"),
            ("SetNTP", "bb", "", "self.set_ntp(self, args[0])"),
        ],
    )
    mock.AddProperty(MAIN_IFACE, "Set", dbus.Int64(0))
    mock.AddProperty(MAIN_IFACE, "Switched", dbus.Array([], "b"))
    follow(mock, parameters.get("NTP", True))


def set_time(self, microseconds):
    if self.Get(MAIN_IFACE, "NTP"):
        raise dbus.exceptions.DBusException("Automatic time synchronization", name=STILL_ON)
    if self.linger > 0:
        self.linger -= 1
        raise dbus.exceptions.DBusException("Previous request is not finished", name=STILL_ON)
    self.Set(MAIN_IFACE, "Set", dbus.Int64(microseconds))


def set_ntp(self, on):
    self.Set(MAIN_IFACE, "NTP", on)
    self.Set(MAIN_IFACE, "Switched", [*self.Get(MAIN_IFACE, "Switched"), on])
    follow(self, on)


def follow(self, on):
    """Be there, with no server named, or be gone: as timesyncd starts and stops."""
    if not self.with_timesync:
        return
    path = "/org/freedesktop/timesync1"
    if self.timesync is None:
        self.AddObject(path, MANAGER, {}, [])
        found = dbusmock.get_object(path)
        found.AddMethod(
            MANAGER,
            "SetRuntimeNTPServers",
            "as",
            "",
            f"self.Set('{MANAGER}', 'RuntimeNTPServers', args[0])",
        )
        found.AddProperty(MANAGER, "SystemNTPServers", dbus.Array(self.configured, "s"))
        found.AddProperty(MANAGER, "RuntimeNTPServers", dbus.Array([], "s"))
    if on:
        self.timesync = dbus.service.BusName(TIMESYNC, self.connection)
        found = dbusmock.get_object(path)
        found.Set(MANAGER, "RuntimeNTPServers", dbus.Array([], "s"))
    else:
        self.timesync = False
        self.connection.release_name(TIMESYNC)
