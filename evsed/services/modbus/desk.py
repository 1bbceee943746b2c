"""Answers requests, whichever way they came: reads at once, writes after a control pass."""

import logging
import time
from collections.abc import Callable
from typing import Final

from evsed.errors import EvsedError, RejectedError
from evsed.host.repeat_limiter import RepeatLimiter
from evsed.operations.limits import MODBUS_CLIENTS
from evsed.operations.operations import Operations
from evsed.services.modbus.pdu import READS, Code, Write, answer, refused
from evsed.services.modbus.register_map import RegisterMap, Wish, wish
from evsed.services.modbus.registers import REGISTERS, Action, Group, Scene
from evsed.settings.modbus_access import ModbusAccess
from evsed.settings.sections import Settings

_log = logging.getLogger(__name__)

#: Peers whose first write has been noted; when there are more, it is noted again.
_MOST_PEERS: Final = 256
#: Answers kept while nothing changes: some clients, some questions each.
_MOST_ANSWERS: Final = 64
#: How long nothing is looked up again while the station shows the same snapshot.
_FRESH_S: Final = 0.020


def locked(access: ModbusAccess) -> frozenset[Group]:
    """Return the groups of registers that can only be read."""
    if access.read_only:
        return frozenset(Group)
    return frozenset({Group.STORED}) if access.lock_settings else frozenset()


class Desk:
    """One for all connections and lines.

    Args:
        operations: reads and writes the charger.
        access: the administrator's.
        clock: seconds, never going back.
    """

    def __init__(
        self,
        operations: Operations,
        access: ModbusAccess,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._operations = operations
        self._access = access
        self._registers = RegisterMap(REGISTERS, locked(access))
        self._read_only = RegisterMap(REGISTERS, frozenset(Group))
        self._clock = clock
        self._peers: set[str] = set()
        #: Modbus TCP connections
        self.clients = 0
        self.limiter = RepeatLimiter()
        self._scene: Scene | None = None
        self._settings: Settings | None = None
        self._stale_s = 0.0
        #: answers to reads that have been given of one scene
        self._answers: dict[bytes, bytes] = {}
        self._answers_of: Scene | None = None

    def look(self) -> Scene:
        """Return everything as it is now.

        Clients may ask ten thousand times a second: what has not changed is not put together again.
        """
        known, now_s = self._scene, self._clock()
        if (
            known is None
            or known.snapshot is not self._operations.station.snapshot
            or self._settings is not self._operations.store.settings
            or known.clients != self.clients
            or now_s >= self._stale_s
        ):
            self._stale_s = now_s + _FRESH_S
            known = self._scene = self._looked()
        return known

    def _looked(self) -> Scene:
        picture = self._operations.picture()
        self._settings = settings = picture.settings
        silence_s = self._access.silence_s
        return Scene(
            picture.snapshot,
            settings.evse,
            picture.board,
            picture.facts,
            settings.modbus.unit_id,
            self.clients,
            silence_s,
            self._access.fallback_da if silence_s else 0,
        )

    def answer(self, pdu: bytes, now: Scene, *, read_only: bool = False) -> bytes | Write:
        """Return the answer, or the write that must be carried out first. Never raises."""
        if now is not self._answers_of:
            self._answers_of = now
            self._answers.clear()
        known = self._answers.get(pdu)
        if known is not None:
            return known
        try:
            done = answer(pdu, self._read_only if read_only else self._registers, now)
        except Exception as error:  # noqa: BLE001  # one bad register must not end the server
            self._failed(error)
            return refused(pdu[0], Code.DEVICE_FAILURE)
        if isinstance(done, bytes) and done[0] in READS and len(self._answers) < _MOST_ANSWERS:
            self._answers[pdu] = done
        return done

    async def carry_out(self, write: Write, peer: str) -> bytes:
        """Do what a write asks for; return the answer when a control pass has taken it.

        Args:
            write: what ``answer`` returned.
            peer: who asks, for the log.
        """
        self._note(peer)
        try:
            await self._do(wish(write.registers, write.words, self.look()), f"modbus {peer}")
        except RejectedError as error:
            self.limiter.log(
                _log, logging.INFO, "refused", "modbus: refused to %s: %s", peer, error
            )
            in_order = self._operations.station.maintenance is None
            return write.refused(Code.ILLEGAL_VALUE if in_order else Code.DEVICE_FAILURE)
        except (EvsedError, OSError) as error:  # a TimeoutError is one, too
            told = str(error) or "the station did not answer in time"
            self.limiter.log(_log, logging.ERROR, "failed", "modbus: %s", told)
            return write.refused(Code.DEVICE_FAILURE)
        except Exception as error:  # noqa: BLE001  # one bad register must not end the server
            self._failed(error)
            return write.refused(Code.DEVICE_FAILURE)
        return write.done

    async def _do(self, wanted: Wish, source: str) -> None:
        if wanted.changes:
            await self._operations.write(wanted.changes, source=source, renew=MODBUS_CLIENTS)
        else:
            await self._operations.limits.heard(MODBUS_CLIENTS, source=source)
        for action in wanted.actions:
            if action is Action.AUTHORIZE:
                await self._operations.authorize(source=source)
            else:
                await self._operations.restart(source=source)

    def _note(self, peer: str) -> None:
        """Nobody has to say who he is on Modbus: at least the log tells who writes."""
        if peer in self._peers:
            return
        if len(self._peers) >= _MOST_PEERS:
            self._peers.clear()
        self._peers.add(peer)
        self.limiter.log(_log, logging.INFO, ("peer", peer), "modbus: first write from %s", peer)

    def _failed(self, error: Exception) -> None:
        if self.limiter.admit(type(error).__name__) is not None:
            _log.error("modbus: a request failed", exc_info=error)
