"""A Home Assistant without a face: its core and its own MQTT integration, steered over a pipe.

Run by the Python of an environment that has Home Assistant: ``house.py FOLDER BROKER_PORT``. Takes
lines of JSON: ``{"states": true}``, ``{"devices": true}``, or ``{"call": ["switch", "turn_off",
{"entity_id": …}]}``; answers each with a line of JSON.
"""

import asyncio
import json
import logging
import socket
import sys
from pathlib import Path

from homeassistant import bootstrap, config_entries, core, loader
from homeassistant.const import __version__
from homeassistant.core_config import async_process_ha_core_config
from homeassistant.helpers import device_registry, entity_registry
from homeassistant.setup import async_setup_component

ENTRY = "0123456789abcdef0123456789abcdef"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def write_entry(folder, port):
    """Write what the dialog for adding the integration writes."""
    entry = {
        "created_at": "2026-01-01T00:00:00+00:00",
        "modified_at": "2026-01-01T00:00:00+00:00",
        "data": {"broker": "127.0.0.1", "port": port, "discovery": True},
        "disabled_by": None,
        "discovery_keys": {},
        "domain": "mqtt",
        "entry_id": ENTRY,
        "minor_version": 2,
        "options": {},
        "pref_disable_new_entities": False,
        "pref_disable_polling": False,
        "source": "user",
        "subentries": [],
        "title": "broker",
        "unique_id": None,
        "version": 1,
    }
    (folder / ".storage").mkdir(parents=True)
    (folder / "configuration.yaml").write_text("")
    (folder / ".storage" / "core.config_entries").write_text(
        json.dumps(
            {
                "version": 1,
                "minor_version": 5,
                "key": "core.config_entries",
                "data": {"entries": [entry]},
            }
        )
    )


async def begin(folder):
    """Start the core, and the integration as the dialog would."""
    config = {"http": {"server_host": "127.0.0.1", "server_port": free_port()}, "mqtt": {}}
    hass = core.HomeAssistant(str(folder))
    loader.async_setup(hass)
    hass.config.skip_pip = True
    hass.config_entries = config_entries.ConfigEntries(hass, config)
    await loader.async_get_custom_components(hass)
    await bootstrap.async_load_base_functionality(hass)
    for domain in sorted(bootstrap.CORE_INTEGRATIONS):
        assert await async_setup_component(hass, domain, config), domain
    await async_process_ha_core_config(hass, {"unit_system": "metric", "time_zone": "UTC"})
    assert await async_setup_component(hass, "mqtt", {})
    await hass.async_block_till_done()
    await hass.async_start()
    return hass


def states(hass):
    """Return every state of the integration by its unique id."""
    registry = entity_registry.async_get(hass)
    found = {}
    for entry in registry.entities.values():
        state = hass.states.get(entry.entity_id)
        found[entry.unique_id] = {
            "entity_id": entry.entity_id,
            "platform": entry.platform,
            "category": entry.entity_category,
            "state": None if state is None else state.state,
            "attributes": {} if state is None else dict(state.attributes),
        }
    return found


def devices(hass):
    return [
        {
            "name": one.name,
            "manufacturer": one.manufacturer,
            "model": one.model,
            "url": one.configuration_url,
            "identifiers": sorted(map(list, one.identifiers)),
        }
        for one in device_registry.async_get(hass).devices.values()
    ]


async def answer(hass, asked):
    if "call" in asked:
        domain, service, data = asked["call"]
        await hass.services.async_call(domain, service, data, blocking=True)
        return True
    return devices(hass) if "devices" in asked else states(hass)


async def main(folder, port):
    write_entry(folder, port)
    hass = await begin(folder)
    print(json.dumps({"version": __version__}), flush=True)
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        try:
            said = await answer(hass, json.loads(line))
        except Exception as error:  # noqa: BLE001  # whoever asked wants to know
            said = {"failed": repr(error)}
        print(json.dumps(said, default=str), flush=True)
    await hass.async_stop(force=True)


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
