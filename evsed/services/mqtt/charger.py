"""The charger as it is seen at one broker, under one base topic: what is due there, and what for.

Knows no connection. Lives on the event loop.
"""

import json
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from evsed.errors import EvsedError, RejectedError
from evsed.host.repeat_limiter import RepeatLimiter
from evsed.operations.operations import Operations
from evsed.operations.session_fields import SESSION, shown
from evsed.operations.session_log import SessionRow
from evsed.services.mqtt.commands import obey
from evsed.services.mqtt.home_assistant import config_topic, document
from evsed.services.mqtt.kept import Kept
from evsed.services.mqtt.topics import (
    ALARM_EVENT,
    AVAILABILITY,
    COMMANDS,
    ERROR,
    HERE,
    SESSION_EVENT,
    TOPICS,
    payload,
)
from evsed.settings.mqtt import MqttSettings

_MOST_SHOWN: Final = 200
_BIRTH: Final = "status"
_BORN: Final = b"online"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message of the broker; ``kept``: it was there before we were."""

    topic: str
    data: bytes
    kept: bool = False


@dataclass(slots=True, kw_only=True)
class Charger:
    """Follows the station for one broker.

    Args:
        operations: the desk.
        settings: of the time.
        number: of the charger, hexadecimal.
        read_only: commands are refused.
        url: of the charger's page.
    """

    operations: Operations
    settings: MqttSettings
    number: str
    read_only: bool = False
    url: Callable[[], str] = str
    kept: Kept = field(default_factory=Kept)
    _values: dict[str, Any] = field(default_factory=dict)
    _alarms: frozenset[str] = frozenset()
    _measured_s: float = float("-inf")
    _limiter: RepeatLimiter = field(default_factory=RepeatLimiter)

    @property
    def base(self) -> str:
        """What every topic begins with."""
        return base_topic(self.settings, self.number)

    @property
    def config_topic(self) -> str:
        """Where Home Assistant looks."""
        return config_topic(self.settings.discovery_prefix, self.number)

    @property
    def filters(self) -> tuple[str, ...]:
        """What has to be heard."""
        birth = f"{self.settings.discovery_prefix}/{_BIRTH}"
        return (f"{self.base}/{COMMANDS}#", *((birth,) if self.settings.discovery else ()))

    def look(self, now_s: float) -> None:
        """Note what has changed; ``now_s``: a monotonic time."""
        picture, alarms = self.operations.picture(), self.operations.alarms()
        turned = self._values.get("state") != picture.snapshot.state.value
        measured = turned or now_s - self._measured_s >= self.settings.interval_s
        if measured:
            self._measured_s = now_s
        for topic in TOPICS:
            if topic.restless and not measured:
                continue
            value = topic.read(picture, alarms)
            if topic.name not in self._values or self._values[topic.name] != value:
                self._values[topic.name] = value
                self.kept.put(f"{self.base}/{topic.name}", payload(value))
        self.kept.put(f"{self.base}/{AVAILABILITY}", HERE.encode())
        self._raise({alarm.name: alarm.text for alarm in alarms})

    def introduce(self) -> None:
        """Have Home Assistant told what there is; to be called when that may have changed."""
        data = b""
        if self.settings.discovery:
            told = document(
                self.operations.picture(),
                self.base,
                self.number,
                read_only=self.read_only,
                url=self.url(),
            )
            data = payload(told)
        self.kept.put(self.config_topic, data)

    def session_ended(self, session: SessionRow) -> None:
        """Tell everybody."""
        self.kept.add(f"{self.base}/{SESSION_EVENT}", payload(shown(session, SESSION)))

    def withdraw(self, after: "Charger | None") -> None:
        """Have the broker forget what is not so any more.

        Args:
            after: what comes instead, at the same broker; None: nothing.
        """
        stays = set() if after is None else {after.base, after.config_topic}
        if self.base not in stays:
            for topic in self.kept.topics:
                if topic not in {self.config_topic, f"{self.base}/{AVAILABILITY}"}:
                    self.kept.put(topic, b"")
        if self.config_topic not in stays or (after is not None and not after.settings.discovery):
            self.kept.put(self.config_topic, b"")

    def left_to(self, after: "Charger") -> tuple[str, ...]:
        """Return what another, at the same broker, has to have forgotten."""
        gone = () if self.base == after.base else (f"{self.base}/{AVAILABILITY}",)
        return tuple(one for one in (*self.kept.forgotten, *gone) if one != after.config_topic)

    def forget(self, topics: Iterable[str]) -> None:
        """Have the broker forget topics of an earlier base."""
        for topic in topics:
            self.kept.put(topic, b"")

    async def take(self, message: Message) -> None:
        """Take what the broker has sent."""
        if message.topic == f"{self.settings.discovery_prefix}/{_BIRTH}":
            if message.data == _BORN and not message.kept:
                self.introduce()
                self.kept.repeat()
            return
        name = message.topic.removeprefix(f"{self.base}/{COMMANDS}")
        try:
            self._check(message)
            await obey(self.operations, name, message.data)
        except (EvsedError, OSError) as error:  # TimeoutError is one of the latter
            self._refuse(name, message.data, _sentence(error))

    def _check(self, message: Message) -> None:
        if self.read_only:
            raise RejectedError("commands are switched off (mqtt.readOnly)")
        if message.kept:
            # It may be days old: whoever sent it does not know what is plugged in now.
            raise RejectedError("the broker has kept this: publish commands without retain")

    def _refuse(self, name: str, data: bytes, why: str) -> None:
        said = {
            "command": name[:_MOST_SHOWN],
            "payload": data[:_MOST_SHOWN].decode(errors="replace"),
            "error": why,
        }
        self.kept.add(f"{self.base}/{ERROR}", payload(said))
        self._limiter.log(
            _log,
            logging.WARNING,
            name,
            "mqtt: command %s was refused: %s",
            ascii(name[:_MOST_SHOWN]),
            why,
        )

    def _raise(self, alarms: dict[str, str]) -> None:
        for name in sorted(alarms.keys() - self._alarms):
            told = json.dumps({"name": name, "text": alarms[name]}, ensure_ascii=False)
            self.kept.add(f"{self.base}/{ALARM_EVENT}", told.encode())
        self._alarms = frozenset(alarms)


def base_topic(settings: MqttSettings, number: str) -> str:
    """Return what every topic begins with."""
    return settings.topic or f"evsed/{number}"


def _sentence(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "the station did not answer in time; nothing was changed"
    return str(error)
