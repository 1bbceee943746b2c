"""MQTT lives and dies here: one connection to the broker the user has chosen.

The connection is a process of its own (decision 0030); what happens here never waits for a broker.
"""

import asyncio
import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from evsed.errors import HardwareError
from evsed.host.mqtt.address import Manner
from evsed.host.mqtt.brokers import Brokers, Listener
from evsed.host.mqtt.limits import RETRY_S
from evsed.operations.operations import Operations
from evsed.operations.session_log import SessionRow
from evsed.services.mqtt.charger import Charger, Message, base_topic
from evsed.services.mqtt.topics import AVAILABILITY, GONE
from evsed.settings.administrator import MqttAccess
from evsed.settings.mqtt import MqttSettings

#: How often is looked for changes.
_LOOK_S: Final = 0.25
#: How long the broker has for taking what is to be forgotten.
_FAREWELL_S: Final = 3.0
_LOOK_AGAIN_S: Final = 0.02
_ID_DIGITS: Final = 6
_AT_LEAST_ONCE: Final = 1
#: So many messages are handed over before the event loop may do something else.
_AT_ONCE: Final = 10
_MOST_AUTHORITY_BYTES: Final = 64 * 1024
#: Sections whose change may change what Home Assistant is told.
_INTRODUCED: Final = frozenset({"evse", "discovery"})

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How the connection stands, for people.

    Args:
        state: ``off``, ``connecting``, ``connected`` or ``disconnected``.
        reason: why it is not connected; empty when there is nothing to say.
        topic: what every topic begins with.
        waiting: messages the broker has not taken.
        dropped: news that were given up because it took too long.
    """

    state: str
    reason: str
    topic: str
    waiting: int
    dropped: int


class MqttService:
    """Connects the charger while the user wants it.

    Args:
        operations: the desk.
        access: the administrator's.
        machine_id: hexadecimal; its first six digits tell chargers apart.
        url: of the charger's page.
        retry_s: pauses between attempts after a lost connection.
    """

    name = "mqtt"

    def __init__(
        self,
        operations: Operations,
        access: MqttAccess,
        machine_id: str,
        url: Callable[[], str],
        *,
        retry_s: Sequence[float] = RETRY_S,
    ) -> None:
        self._operations, self._access, self._url = operations, access, url
        self._machine_id, self._retry_s = machine_id, retry_s
        self._number = machine_id[:_ID_DIGITS].lower().rjust(_ID_DIGITS, "0")
        self._changed = asyncio.Event()
        self._inbox: asyncio.Queue[Message] = asyncio.Queue()
        self._brokers: Brokers | None = None
        self._charger: Charger | None = None
        self._client = 0
        self._state = self._reason = ""
        self._dropped = 0
        #: what the broker still keeps of a base topic that is no more
        self._left: tuple[str, ...] = ()

    def standing(self) -> Standing:
        """Return how the connection stands; never blocks."""
        charger = self._charger
        return Standing(
            state=self._state if charger is not None and self._state else "off",
            reason=self._reason,
            topic=base_topic(self._settings, self._number),
            waiting=0 if charger is None else charger.kept.waiting,
            dropped=self._dropped + (0 if charger is None else charger.kept.dropped),
        )

    async def apply(self, _before: MqttSettings, after: MqttSettings) -> None:
        """Follow the settings, soon.

        Raises:
            HardwareError: the administrator's certificates cannot be read.
        """
        if after.enabled:
            await self._authority()
        self._changed.set()

    def settings_changed(self, section: str) -> None:
        """Tell Home Assistant anew when that may matter to it."""
        if self._charger is not None and section in _INTRODUCED:
            self._charger.introduce()

    def session_ended(self, session: SessionRow) -> None:
        """Pass a session on."""
        if self._charger is not None:
            self._charger.session_ended(session)

    async def serve(self) -> None:
        """Keep connected as the settings say, until cancelled."""
        try:
            while True:
                self._changed.clear()
                if self._settings.enabled:
                    await self._while_enabled()
                else:
                    await self._changed.wait()
        finally:
            brokers, self._brokers, self._charger = self._brokers, None, None
            if brokers is not None:
                brokers.close_all()
                await brokers.ended()

    @property
    def _settings(self) -> MqttSettings:
        return self._operations.store.settings.mqtt

    async def _while_enabled(self) -> None:
        """Serve one set of settings, and take back what the next ones do not want."""
        settings = self._settings
        charger = self._charger = self._new_charger(settings)
        charger.forget(self._left)
        brokers = self._brokers = self._brokers or self._new_brokers()
        self._connect(brokers, charger, await self._authority())
        obeying = asyncio.create_task(self._obey(charger))
        try:
            await self._follow(charger, obeying)
            await self._leave(charger)
        finally:
            obeying.cancel()
            await asyncio.gather(obeying, return_exceptions=True)
            brokers.close(self._client)
            while not self._inbox.empty():
                self._inbox.get_nowait()
                brokers.took(1)
            self._dropped += charger.kept.dropped
            self._charger, self._state, self._reason = None, "", ""
        if not self._settings.enabled:
            self._brokers = None
            brokers.close_all()
            await brokers.ended()

    def _new_charger(self, settings: MqttSettings) -> Charger:
        return Charger(
            operations=self._operations,
            settings=settings,
            number=self._number,
            read_only=self._access.read_only,
            url=self._url,
        )

    def _new_brokers(self) -> Brokers:
        return Brokers(
            self._heard,
            self._machine_id,
            listener=Listener(stands=self._stands, sent=self._sent),
            retry_s=self._retry_s,
        )

    def _connect(self, brokers: Brokers, charger: Charger, authority: str) -> None:
        settings = charger.settings
        manner = Manner(
            client_id=f"evsed-{self._number}",
            keep_alive_s=settings.keep_alive_s,
            authority=authority,
            farewell=(f"{charger.base}/{AVAILABILITY}", GONE),
            tell_sent=True,
        )
        self._state = "connecting"
        self._client = brokers.client(
            None, settings.uri, settings.user or None, settings.password or None, manner
        )
        for one in charger.filters:
            brokers.subscribe(self._client, one)
        brokers.connect(self._client)
        charger.introduce()

    async def _follow(self, charger: Charger, obeying: asyncio.Task[None]) -> None:
        """Publish what changes, until the settings do."""
        loop = asyncio.get_running_loop()
        while not self._changed.is_set():
            if obeying.done():
                obeying.result()  # it never ends by itself: this raises why it did
            charger.look(loop.time())
            self._pump()
            try:
                async with asyncio.timeout(_LOOK_S):
                    await self._changed.wait()
            except TimeoutError:
                continue

    async def _leave(self, charger: Charger) -> None:
        """Have the broker forget what the new settings do not want; it has three seconds.

        What it does not manage, and that the charger is gone from its old base, is told it over the
        next connection.
        """
        settings = self._settings
        stays = settings.enabled and settings.uri == charger.settings.uri
        after = self._new_charger(settings) if stays else None
        charger.withdraw(after)
        self._left = () if after is None else charger.left_to(after)
        if self._state != "connected":
            return
        loop = asyncio.get_running_loop()
        give_up_s = loop.time() + _FAREWELL_S
        self._pump()
        while not charger.kept.settled and loop.time() < give_up_s and self._state == "connected":
            await asyncio.sleep(_LOOK_AGAIN_S)
            self._pump()

    def _pump(self) -> None:
        """Hand over what is due, as far as the broker takes it."""
        charger, brokers = self._charger, self._brokers
        if charger is None or brokers is None or self._state != "connected":
            return
        for _ in range(_AT_ONCE):
            one = charger.kept.next()
            if one is None:
                return
            brokers.publish(self._client, one.topic, one.data, _AT_LEAST_ONCE, one.retain)
        asyncio.get_running_loop().call_soon(self._pump)

    async def _obey(self, charger: Charger) -> None:
        """Take commands one after the other; the process holds back what comes meanwhile."""
        while True:
            message = await self._inbox.get()
            await charger.take(message)
            if self._brokers is not None:
                self._brokers.took(1)
            self._pump()

    # What the connection reports.

    def _heard(self, line: bytes) -> None:
        found = json.loads(line)
        topic, data = (found[key].encode("latin-1") for key in ("topic", "data"))
        if found["c"] == self._client:
            kept = bool(found.get("kept"))
            self._inbox.put_nowait(Message(topic=topic.decode(), data=data, kept=kept))

    def _stands(self, client: int, state: str, why: str) -> None:
        charger = self._charger
        if client != self._client or charger is None:
            return
        if state == "connected" != self._state:
            charger.kept.begin()
        # The process goes on trying: for whoever looks that is "connecting", with a reason.
        self._state, self._reason = state, why or ("" if state == "connected" else self._reason)
        self._pump()

    def _sent(self, client: int, count: int) -> None:
        if client == self._client and self._charger is not None:
            self._charger.kept.arrived(count)
            self._pump()

    async def _authority(self) -> str:
        """Return the administrator's certificates; empty for those the system trusts."""
        if not self._access.authority:
            return ""
        try:
            return await asyncio.to_thread(_certificates, Path(self._access.authority))
        except (OSError, ValueError) as error:
            raise HardwareError(f"mqtt.authority: {error}") from error


def _certificates(file: Path) -> str:
    with file.open("rb") as given:
        text = given.read(_MOST_AUTHORITY_BYTES + 1).decode("ascii")
    if len(text) > _MOST_AUTHORITY_BYTES or "BEGIN CERTIFICATE" not in text:
        raise ValueError("certificates in PEM, 64 KiB at most, expected")
    return text
