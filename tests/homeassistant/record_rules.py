"""Writes down what Home Assistant demands of a discovery document: ``record_rules.py >rules.json``.

Run by the Python of an environment that has Home Assistant. The rules are checked in every test
run, where there is none.
"""

import json
import sys
from importlib import import_module

import voluptuous as vol
from homeassistant.components.binary_sensor import BinarySensorDeviceClass
from homeassistant.components.button import ButtonDeviceClass
from homeassistant.components.mqtt import schemas
from homeassistant.components.number.const import DEVICE_CLASS_UNITS as NUMBER_UNITS
from homeassistant.components.sensor.const import (
    DEVICE_CLASS_STATE_CLASSES,
    DEVICE_CLASS_UNITS,
    SensorDeviceClass,
)
from homeassistant.components.switch import SwitchDeviceClass
from homeassistant.const import EntityCategory, __version__

PLATFORMS = ("binary_sensor", "button", "number", "sensor", "switch")


def keys_of(schema):
    """Return the keys an object may have, and those it must."""
    if isinstance(schema, vol.All | vol.Any):
        parts = [keys_of(one) for one in schema.validators]
        return set().union(*(may for may, _ in parts)), set().union(*(must for _, must in parts))
    while isinstance(schema, vol.Schema):
        schema = schema.schema
    if not isinstance(schema, dict):
        return set(), set()
    required = {str(key) for key in schema if isinstance(key, vol.Required)}
    return {str(key) for key in schema}, required


def listed(what):
    may, must = keys_of(what)
    return {"keys": sorted(may), "required": sorted(must)}


def words(kind):
    return sorted(str(one.value) for one in kind)


def units(table):
    return {str(kind): sorted(map(str, may)) for kind, may in table.items()}


def rules():
    discovery = {
        name: listed(import_module(f"homeassistant.components.mqtt.{name}").DISCOVERY_SCHEMA)
        for name in PLATFORMS
    }
    return {
        "version": __version__,
        "document": listed(schemas.MQTT_ENTITY_COMMON_SCHEMA) | {"device": listed_device()},
        "platforms": discovery,
        "categories": words(EntityCategory),
        "device_classes": {
            "binary_sensor": words(BinarySensorDeviceClass),
            "button": words(ButtonDeviceClass),
            "number": sorted(map(str, NUMBER_UNITS)),
            "sensor": words(SensorDeviceClass),
            "switch": words(SwitchDeviceClass),
        },
        "units": {"sensor": units(DEVICE_CLASS_UNITS), "number": units(NUMBER_UNITS)},
        "state_classes": units(DEVICE_CLASS_STATE_CLASSES),
    }


def listed_device():
    return listed(schemas.MQTT_ENTITY_DEVICE_INFO_SCHEMA)


if __name__ == "__main__":
    json.dump(rules(), sys.stdout, separators=(",", ":"), sort_keys=True)
    print()
