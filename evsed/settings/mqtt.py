"""What the user chose for MQTT: the broker, and what the charger is called there."""

import re
from dataclasses import dataclass
from typing import Final

from evsed.errors import RejectedError
from evsed.settings.fields import flag, text, whole
from evsed.settings.section import Section, plain_section

#: Kinds of connections, a host, perhaps a port; a path for web sockets.
URI: Final = r"(mqtts?|wss?)://([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:([0-9]{1,5}))?(/[!-~]*)?"
#: Levels, none of them empty at an end, none a wildcard, none the broker's own.
TOPIC: Final = r"[^$+#/]([^+#]*[^+#/])?"
_MOST_PORT: Final = 65535


@dataclass(frozen=True, slots=True, kw_only=True)
class MqttSettings:
    """Keys of /config/mqtt. Source: docs/mqtt.md."""

    enabled: bool = flag(False, about="whether the charger connects to the broker")
    uri: str = text("", high=256, about="the broker, such as mqtt://nas.local or mqtts://nas:8883")
    user: str = text("", high=128, about="name at the broker; empty for none")
    password: str = text(
        "",
        high=256,
        about="password at the broker; never shown again, and forgotten when uri names another",
        secret=True,
    )
    topic: str = text("", high=128, about="what all topics begin with; empty: evsed/ and a number")
    discovery: bool = flag(True, about="whether Home Assistant is told what there is")
    discovery_prefix: str = text(
        "homeassistant", low=1, high=128, about="where Home Assistant listens"
    )
    interval_s: int = whole(
        5, low=1, high=3600, unit="s", about="measured values are sent at most so often"
    )
    keep_alive_s: int = whole(
        60, low=10, high=3600, unit="s", about="silence after which a connection is tested"
    )


def check_mqtt(settings: MqttSettings) -> None:
    """Judge the settings as a whole.

    Raises:
        RejectedError: names the key and what is permitted.
    """
    if settings.enabled and not settings.uri:
        raise RejectedError("an address is expected while enabled is true", key="uri")
    if settings.uri and not _is_address(settings.uri):
        wanted = "an address such as mqtt://host or mqtts://host:8883 is expected; no user in it"
        raise RejectedError(wanted, key="uri")
    for key, value in (("topic", settings.topic), ("discoveryPrefix", settings.discovery_prefix)):
        if value and not re.fullmatch(TOPIC, value):
            wanted = "a topic without + and #, no $ or / in front and no / at the end, is expected"
            raise RejectedError(wanted, key=key)


def _is_address(uri: str) -> bool:
    found = re.fullmatch(URI, uri)
    return found is not None and 0 < int(found[4] or 1) <= _MOST_PORT


MQTT: Final[Section[MqttSettings]] = plain_section(
    "mqtt",
    MqttSettings,
    check=lambda settings, _board: check_mqtt(settings),
    secrets=("password",),
    sent_to={"password": "uri"},
)
