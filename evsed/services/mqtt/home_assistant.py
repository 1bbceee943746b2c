"""What Home Assistant is told: one document for the device and everything it has. Pure.

Source: Home Assistant's documentation, MQTT, device discovery (since 2024.11). No text of the
user's gets into a template or a topic's name.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import evsed
from evsed.charging.states import ChargingState, Reason
from evsed.operations.picture import Picture
from evsed.operations.state_fields import WRITABLE
from evsed.services.mqtt.commands import AUTHORIZE
from evsed.services.mqtt.topics import AVAILABILITY, COMMANDS
from evsed.units import WS_PER_WH

_WS_PER_KWH: Final = 1000 * WS_PER_WH
_LEAST_A: Final = 6
_MOST_KWH: Final = 200
_DAY_MIN: Final = 1440
_TRUE, _FALSE = "true", "false"
_DIAGNOSTIC: Final = {"entity_category": "diagnostic"}
_CONFIG: Final = {"entity_category": "config"}
_MEASURED: Final = {"state_class": "measurement"}
_PHASES: Final = ("L1", "L2", "L3")

Keys = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """One thing Home Assistant shows.

    Args:
        key: its name within the charger; never changes, or it would be a new thing.
        platform: what kind of thing it is.
        name: for people, in English as all of Home Assistant's own names.
        topic: whose value it shows; empty: none.
        command: what it can ask for; empty: nothing.
        keys: whatever else its platform wants to know.
    """

    key: str
    platform: str
    name: str
    topic: str = ""
    command: str = ""
    keys: Keys = field(default_factory=dict)


def document(picture: Picture, base: str, number: str, *, read_only: bool, url: str) -> Keys:
    """Return what is to be published.

    Args:
        picture: what is fitted and set.
        base: topic of the charger.
        number: of the charger, hexadecimal; its identity at Home Assistant.
        read_only: commands would be refused.
        url: of the charger's page.
    """
    identity = f"evsed_{number}"
    entities = [one for one in entities_of(picture) if not (one.command and read_only)]
    return {
        "device": {
            "identifiers": [identity],
            "name": picture.settings.discovery.instance_name,
            "manufacturer": "evsed",
            "model": picture.board.device_name or "EVSE",
            "sw_version": evsed.__version__,
            "configuration_url": url,
        },
        "origin": {"name": "evsed", "sw_version": evsed.__version__},
        "availability_topic": f"{base}/{AVAILABILITY}",
        "components": {one.key: _component(one, base, identity) for one in entities},
    }


def config_topic(prefix: str, number: str) -> str:
    """Return where Home Assistant looks for the document."""
    return f"{prefix}/device/evsed_{number}/config"


def entities_of(picture: Picture) -> Sequence[Entity]:
    """Return what this charger has, in the order of Home Assistant's page."""
    three = picture.settings.evse.energy_meter_three_phases
    return (
        *_steering(picture),
        *_ENERGY,
        *_per_phase("current", "Current", "A", three=three),
        *_per_phase("voltage", "Voltage", "V", three=three),
        *_STATE,
        *_fitted(picture),
    )


def _component(one: Entity, base: str, identity: str) -> Keys:
    found: dict[str, Any] = {
        "platform": one.platform,
        "unique_id": f"{identity}_{one.key}",
        "name": one.name,
    }
    if one.topic:
        found["state_topic"] = f"{base}/{one.topic}"
    if one.command:
        found["command_topic"] = f"{base}/{COMMANDS}{one.command}"
    return {**found, **one.keys}


def _switch(topic: str, name: str, icon: str, **more: Any) -> Entity:
    keys = {
        "payload_on": _TRUE,
        "payload_off": _FALSE,
        "state_on": _TRUE,
        "state_off": _FALSE,
        "icon": icon,
        **more,
    }
    return Entity(key=topic, platform="switch", name=name, topic=topic, command=topic, keys=keys)


def _steering(picture: Picture) -> Sequence[Entity]:
    most_a = picture.settings.evse.max_charging_current_a
    amperes = {"unit_of_measurement": "A", "device_class": "current"}
    session_energy = {
        "min": 0,
        "max": _MOST_KWH,
        "step": 1,
        "mode": "box",
        "unit_of_measurement": "kWh",
        "value_template": f"{{{{ (value | int / {_WS_PER_KWH}) | round(3) }}}}",
        "command_template": f"{{{{ (value * {_WS_PER_KWH}) | int }}}}",
        "icon": "mdi:battery-charging-medium",
        **_CONFIG,
    }
    session_time = {
        "min": 0,
        "max": _DAY_MIN,
        "step": 1,
        "mode": "box",
        "unit_of_measurement": "min",
        "value_template": "{{ (value | int / 60) | round(0, 'ceil') | int }}",
        "command_template": "{{ (value * 60) | int }}",
        "icon": "mdi:timer-outline",
        **_CONFIG,
    }
    return (
        _switch("enabled", "Charging", "mdi:ev-station"),
        _number(
            "chargingCurrent",
            "Charging current",
            {"min": _LEAST_A, "max": most_a, "step": 0.1, "mode": "slider", **amperes},
        ),
        Entity(
            key=AUTHORIZE,
            platform="button",
            name="Authorize",
            command=AUTHORIZE,
            keys={"payload_press": _TRUE, "icon": "mdi:shield-check"},
        ),
        _switch("requireAuth", "Authorization required", "mdi:shield-key", **_CONFIG),
        _switch("available", "In service", "mdi:power", **_CONFIG),
        _number("consumptionLimit", "Session energy limit", session_energy),
        _number("chargingTimeLimit", "Session charging time limit", session_time),
    )


def _number(topic: str, name: str, keys: Keys) -> Entity:
    if topic not in WRITABLE:
        raise ValueError(topic)
    return Entity(key=topic, platform="number", name=name, topic=topic, command=topic, keys=keys)


def _sensor(topic: str, name: str, **keys: Any) -> Entity:
    return Entity(key=topic, platform="sensor", name=name, topic=topic, keys=keys)


def _binary(topic: str, name: str, template: str, **keys: Any) -> Entity:
    shown = {"value_template": f"{{{{ 'ON' if {template} else 'OFF' }}}}", **keys}
    return Entity(key=topic, platform="binary_sensor", name=name, topic=topic, keys=shown)


def _per_phase(topic: str, name: str, unit: str, *, three: bool) -> Sequence[Entity]:
    phases = _PHASES if three else _PHASES[:1]
    return [
        Entity(
            key=f"{topic}{phase}",
            platform="sensor",
            name=f"{name} {phase}",
            topic=topic,
            keys={
                "value_template": f"{{{{ value_json[{place}] }}}}",
                "unit_of_measurement": unit,
                "device_class": topic,
                **_MEASURED,
            },
        )
        for place, phase in enumerate(phases)
    ]


def _energy(topic: str, name: str) -> Entity:
    return _sensor(
        topic,
        name,
        value_template=f"{{{{ (value | int / {_WS_PER_KWH}) | round(3) }}}}",
        unit_of_measurement="kWh",
        device_class="energy",
        state_class="total_increasing",
        suggested_display_precision=2,
    )


def _temperature(topic: str, name: str) -> Entity:
    return _sensor(
        topic,
        name,
        unit_of_measurement="°C",
        device_class="temperature",
        **_MEASURED,
        **_DIAGNOSTIC,
    )


def _duration(topic: str, name: str) -> Entity:
    return _sensor(topic, name, unit_of_measurement="s", device_class="duration", **_MEASURED)


_ENERGY: Final = (
    _sensor("power", "Power", unit_of_measurement="W", device_class="power", **_MEASURED),
    _energy("totalConsumption", "Energy"),
    _energy("consumption", "Session energy"),
    _sensor(
        "offeredCurrent",
        "Offered current",
        unit_of_measurement="A",
        device_class="current",
        **_MEASURED,
    ),
)
_STATE: Final = (
    _sensor("state", "State", device_class="enum", options=[one.value for one in ChargingState]),
    _sensor("reason", "Reason", device_class="enum", options=[one.value for one in Reason]),
    _sensor("limitedBy", "Limited by", icon="mdi:speedometer-slow", **_DIAGNOSTIC),
    _duration("sessionTime", "Session time"),
    _duration("chargingTime", "Charging time"),
    Entity(
        key="vehicle",
        platform="binary_sensor",
        name="Vehicle",
        topic="state",
        keys={
            "value_template": "{{ 'ON' if value[0] in 'BCD' else 'OFF' }}",
            "device_class": "plug",
        },
    ),
    _binary("contactorClosed", "Contactor", "value == 'true'", device_class="power"),
    _binary("errors", "Error", "value_json", device_class="problem"),
    _binary("alarms", "Alarm", "value_json", device_class="problem", **_DIAGNOSTIC),
    _binary("pendingAuth", "Waits for authorization", "value == 'true'", icon="mdi:shield-alert"),
    _binary("limitReached", "Session limit reached", "value == 'true'", icon="mdi:flag-checkered"),
    Entity(
        key="closings",
        platform="sensor",
        name="Contactor closings",
        topic="contactor",
        keys={
            "value_template": "{{ value_json.closings }}",
            "state_class": "total_increasing",
            "icon": "mdi:electric-switch",
            **_DIAGNOSTIC,
        },
    ),
)


def _fitted(picture: Picture) -> Sequence[Entity]:
    found: list[Entity] = []
    if picture.board.temperature_sensor:
        found.append(_temperature("temperatureHigh", "Temperature"))
    if picture.board.socket_lock is not None:
        # Home Assistant's class "lock": on is unlocked
        found.append(_binary("locked", "Plug lock", "value != 'true'", device_class="lock"))
    return found
