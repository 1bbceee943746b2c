"""Modbus TCP lives and dies here: the port, and who may come in."""

import asyncio
import ipaddress
import logging
import socket
from typing import Final

from evsed.errors import HardwareError
from evsed.operations.operations import Operations
from evsed.services.modbus.desk import Desk
from evsed.services.modbus.tcp import Connection
from evsed.settings.modbus_access import ModbusAccess
from evsed.settings.services import ModbusSettings

_log = logging.getLogger(__name__)

_LOOK_S: Final = 1.0
_AGAIN_S: Final = 10.0
#: A connection idle for longer makes room for a new one.
_REPLACEABLE_S: Final = 20.0


class ModbusService:
    """Serves Modbus TCP while the user wants it.

    Args:
        operations: reads and writes the charger.
        access: the administrator's.
    """

    name = "modbus"

    def __init__(self, operations: Operations, access: ModbusAccess) -> None:
        self.desk = Desk(operations, access)
        self._operations = operations
        self._access = access
        self._server: asyncio.Server | None = None
        #: held while the port is being opened: by the user, or because it should be open
        self._opening = asyncio.Lock()
        self._connections: set[Connection] = set()
        self._bound: int | None = None
        self._again_s = 0.0

    @property
    def port(self) -> int:
        """The port that is bound, or the one that would be."""
        return self._access.port if self._bound is None else self._bound

    @property
    def listening(self) -> bool:
        """Whether the port accepts connections."""
        return self._server is not None

    async def serve(self) -> None:
        """Look after everything until cancelled; then close."""
        self._again_s = 0.0
        try:
            while True:
                await self._keep_open()
                self._look_after()
                await asyncio.sleep(_LOOK_S)
        finally:
            self._close()

    async def apply(self, before: ModbusSettings, after: ModbusSettings) -> None:
        """Open or close the port; another unit id needs nothing.

        Raises:
            HardwareError: the port cannot be opened.
        """
        del before
        if not after.tcp_enabled:
            self._close()
        else:
            try:
                await self._open()
            except OSError as error:
                raise HardwareError(self._cannot_listen(error)) from error

    def admit(self, connection: Connection) -> bool:
        """Return whether a new connection may stay; the one idle for longest may have to go."""
        if not self._allowed(connection.peer):
            self._turn_away("foreign", connection, "its network is not in modbus.allow")
            return False
        if len(self._connections) >= self._access.max_connections:
            idle = min(self._connections, key=lambda one: one.used_s)
            if asyncio.get_running_loop().time() - idle.used_s <= _REPLACEABLE_S:
                self._turn_away("full", connection, "there are too many connections")
                return False
            idle.end()
            self.gone(idle)
        self._connections.add(connection)
        self.desk.clients = len(self._connections)
        return True

    def gone(self, connection: Connection) -> None:
        """A connection has ended."""
        self._connections.discard(connection)
        self.desk.clients = len(self._connections)

    async def _keep_open(self) -> None:
        """Open the port when it should be open and is not; try again from time to time."""
        now_s = asyncio.get_running_loop().time()
        wanted = self._operations.picture().settings.modbus.tcp_enabled
        if not wanted or self._server is not None or now_s < self._again_s:
            return
        try:
            await self._open()
        except OSError as error:
            if not self._again_s:
                _log.error("%s; trying again every %g s", self._cannot_listen(error), _AGAIN_S)
            self._again_s = now_s + _AGAIN_S
        else:
            self._again_s = 0.0
            if not self._operations.picture().settings.modbus.tcp_enabled:
                self._close()  # switched off in the meantime

    async def _open(self) -> None:
        loop = asyncio.get_running_loop()
        async with self._opening:
            if self._server is not None:
                return
            door = listening_socket(self._access.address, self._access.port)
            try:
                self._server = await loop.create_server(lambda: Connection(self), sock=door)
            except BaseException:
                door.close()
                raise
            self._bound = door.getsockname()[1]
        _log.info("modbus: listening on %s port %s", self._access.address, self._bound)

    def _close(self) -> None:
        if self._server is None:
            return
        self._server.close()
        self._server = self._bound = None
        for connection in tuple(self._connections):
            connection.end()
        _log.info("modbus: the port is closed")

    def _look_after(self) -> None:
        now_s = asyncio.get_running_loop().time()
        for connection in tuple(self._connections):
            connection.look_after(now_s)

    def _allowed(self, peer: str) -> bool:
        try:
            address = ipaddress.ip_address(peer)
        except ValueError:
            return False
        return any(address in network for network in self._access.allow)

    def _turn_away(self, kind: str, connection: Connection, why: str) -> None:
        self.desk.limiter.log(
            _log, logging.WARNING, kind, "modbus: %s turned away: %s", connection.peer, why
        )

    def _cannot_listen(self, error: OSError) -> str:
        where = f"{self._access.address} port {self._access.port}"
        return f"modbus: cannot listen on {where}: {error.strerror or error}"


def listening_socket(address: str, port: int) -> socket.socket:
    """Return a bound socket; ``::`` also takes IPv4, and is IPv4 alone where there is no IPv6.

    Raises:
        OSError: the port is taken, or must not be opened.
    """
    if address == "::" and not socket.has_dualstack_ipv6():
        address = "0.0.0.0"  # noqa: S104  # what "every address" means there
    if ":" not in address:
        return socket.create_server((address, port))
    return socket.create_server((address, port), family=socket.AF_INET6, dualstack_ipv6=True)
