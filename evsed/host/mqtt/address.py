"""Addresses of MQTT brokers, names of topics: what may be used. Pure.

Source: MQTT 3.1.1 sections 1.5.3 and 4.7; lua.md section 9.7.
"""

from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote, urlsplit

from evsed.errors import RejectedError

#: Of all scripts together.
MOST_CLIENTS: Final = 4
_PORTS: Final = {"mqtt": 1883, "mqtts": 8883, "ws": 80, "wss": 443}
_WEB_PATH: Final = "/mqtt"
_LONGEST_TEXT: Final = 65535
_BAD_ADDRESS: Final = "invalid params"


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a broker is, and as whom to go there. ``str()`` shows no secrets."""

    host: str
    port: int
    tls: bool
    web: bool
    path: str = _WEB_PATH
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How a client presents itself; the defaults are those of scripts.

    Args:
        client_id: empty: made of the charger's number and the client's place.
        keep_alive_s: a broker that hears nothing for half as long again takes us for gone.
        authority: certificates in PEM to trust instead of the system's; empty: the system's.
        farewell: topic and text, kept by the broker, of what it is to tell the others when we
            have gone, however we go; None: nothing.
        tell_sent: whether we want to hear how many messages the broker has taken.
    """

    client_id: str = ""
    keep_alive_s: int = 60
    authority: str = field(default="", repr=False)
    farewell: tuple[str, str] | None = None
    tell_sent: bool = False


def read_address(uri: str, user: str | None = None, password: str | None = None) -> Address:
    """Return what a URI says; user and password given beside it win, empty ones do not count.

    Raises:
        RejectedError: not an address of a broker.
    """
    try:
        parts = urlsplit(uri)
        port = parts.port
    except ValueError:
        raise RejectedError(_BAD_ADDRESS) from None
    host = parts.hostname
    if parts.scheme not in _PORTS or not host or not _is_plain(uri) or port == 0:
        raise RejectedError(_BAD_ADDRESS)
    web = parts.scheme in {"ws", "wss"}
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    return Address(
        host=host,
        port=port or _PORTS[parts.scheme],
        tls=parts.scheme in {"mqtts", "wss"},
        web=web,
        path=path if web and parts.path.strip("/") else _WEB_PATH,
        user=user or unquote(parts.username or "") or None,
        password=password or unquote(parts.password or "") or None,
    )


def check_topic(topic: str) -> None:
    """Raise ``RejectedError`` for what cannot be published to."""
    if not _is_text(topic) or "+" in topic or "#" in topic:
        raise RejectedError("invalid topic")


def check_filter(topic_filter: str) -> None:
    """Raise ``RejectedError`` for what cannot be subscribed to."""
    *before, last = topic_filter.split("/")
    whole = all(level == "+" or "+" not in level for level in (*before, last))
    hash_at_end = all("#" not in level for level in before) and (last == "#" or "#" not in last)
    if not (_is_text(topic_filter) and whole and hash_at_end):
        raise RejectedError("invalid filter")


def _is_plain(uri: str) -> bool:
    return all(" " < char != "\x7f" for char in uri)


def _is_text(text: str) -> bool:
    return 0 < len(text.encode()) <= _LONGEST_TEXT and "\0" not in text
