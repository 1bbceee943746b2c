"""A template for python-dbusmock: its own NetworkManager, with what that leaves out.

Connections can be saved or not, keys can be asked for, and whether a network is joined depends on
its name and its passphrase. Parameters: ``Networks``, names and passphrases of what can be joined;
``Refuse``, method names that fail. Runs with the system's Python.
"""

import dbus
import dbusmock
from dbusmock.templates import networkmanager as stock

BUS_NAME = stock.BUS_NAME
MAIN_OBJ = stock.MAIN_OBJ
SYSTEM_BUS = True
IS_OBJECT_MANAGER = True

KEY = "802-11-wireless-security"
NO_SECRETS, SSID_NOT_FOUND = 7, 53
ADDRESSES = {"auto": "10.1.2.3", "shared": "192.168.4.1"}

for name in dir(stock):
    if hasattr(getattr(stock, name), "_dbus_is_method"):
        globals()[name] = getattr(stock, name)


def load(mock, parameters):
    stock.load(mock, parameters)
    manager = dbusmock.get_object(stock.MANAGER_OBJ)
    manager.networks = dict(parameters.get("Networks", {}))
    manager.calls_of_ours = []
    manager.activate, manager.deactivate, manager.add = activate, deactivate, add
    manager.AddMethods(
        stock.MANAGER_IFACE,
        [
            ("ActivateConnection", "ooo", "o", "ret = self.activate(self, args[0], args[1])"),
            ("DeactivateConnection", "o", "", "self.deactivate(self, args[0])"),
        ],
    )
    manager.AddProperty(stock.MANAGER_IFACE, "PrimaryConnection", dbus.ObjectPath("/"))
    settings = dbusmock.get_object(stock.SETTINGS_OBJ)
    settings.add = add
    settings.AddMethods(
        stock.SETTINGS_IFACE,
        [
            ("AddConnection", "a{sa{sv}}", "o", "ret = self.add(self, args[0], False)"),
            ("AddConnectionUnsaved", "a{sa{sv}}", "o", "ret = self.add(self, args[0], True)"),
        ],
    )


def add(self, given, unsaved):
    """Add a connection that stays where it is until it is activated."""
    autoconnect = given["connection"].pop("autoconnect", None)
    path = self.SettingsAddConnection(given)
    added = dbusmock.get_object(path)
    if autoconnect is not None:
        added.settings["connection"]["autoconnect"] = autoconnect
    added.Set(stock.CSETTINGS_IFACE, "Unsaved", unsaved)
    added.change, added.secrets = change, secrets
    added.AddMethods(
        stock.CSETTINGS_IFACE,
        [
            ("Save", "", "", f"self.Set('{stock.CSETTINGS_IFACE}', 'Unsaved', False)"),
            ("Update", "a{sa{sv}}", "", "self.change(self, args[0])"),
            ("GetSettings", "", "a{sa{sv}}", "ret = self.secrets(self, False)"),
            ("GetSecrets", "s", "a{sa{sv}}", "ret = self.secrets(self, True)"),
        ],
    )
    return path


def change(self, given):
    self.settings = given


def secrets(self, wanted):
    """Return the settings without the key, or the key alone."""
    if wanted:
        return {KEY: {"psk": self.settings[KEY]["psk"]}}
    return {
        room: dbus.Dictionary({key: one for key, one in values.items() if key != "psk"}, "sv")
        for room, values in self.settings.items()
    }


def activate(self, connection, device):
    """Do what the radio and the other side would do, at once."""
    leave(self, device)
    settings = dbusmock.get_object(connection).settings
    wifi = settings["802-11-wireless"]
    ssid = bytes(bytearray(wifi["ssid"])).decode()
    psk = str(settings[KEY]["psk"]) if KEY in settings else ""
    if wifi["mode"] != "ap":
        if ssid not in self.networks:
            return fail(device, SSID_NOT_FOUND)
        if self.networks[ssid] != psk:
            return fail(device, NO_SECRETS)
    path = stock.activate_connection(self, connection, device, "/")
    number = path.rsplit("/", 1)[1]
    ip = f"/org/freedesktop/NetworkManager/IP4Config/{number}"
    method = str(settings["ipv4"]["method"])
    given = settings["ipv4"].get("address-data", [{"address": ADDRESSES.get(method)}])
    address = dbus.Dictionary({"address": str(given[0]["address"])}, "sv")
    if ip not in dbusmock.mockobject.objects:
        self.AddObject(ip, f"{BUS_NAME}.IP4Config", {}, [])
    dbusmock.get_object(ip).props[f"{BUS_NAME}.IP4Config"] = {
        "AddressData": dbus.Array([address], "a{sv}")
    }
    active = dbusmock.get_object(path)
    active.AddProperty(stock.ACTIVE_CONNECTION_IFACE, "Ip4Config", dbus.ObjectPath(ip))
    return path


def fail(device, reason):
    found = dbusmock.get_object(device)
    found.Set(stock.DEVICE_IFACE, "StateReason", (dbus.UInt32(120), dbus.UInt32(reason)))
    return dbus.ObjectPath("/org/freedesktop/NetworkManager/ActiveConnection/99")


def leave(self, device):
    active = dbusmock.get_object(device).Get(stock.DEVICE_IFACE, "ActiveConnection")
    if active != "/":
        self.RemoveActiveConnection(device, active)


def deactivate(self, active):
    for device in self.GetDevices():
        if dbusmock.get_object(device).Get(stock.DEVICE_IFACE, "ActiveConnection") == active:
            self.RemoveActiveConnection(device, active)
