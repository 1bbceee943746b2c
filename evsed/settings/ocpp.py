"""How the charger reaches a charging station management system (CSMS). Source: docs/ocpp.md."""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from evsed.errors import RejectedError
from evsed.settings.fields import current, flag, pem, text, whole, word
from evsed.settings.section import Section, plain_section

SECRETS: Final = ("password", "clientKey")
#: Source: OCPP 1.6 security whitepaper 2.2: 16 to 40 bytes.
_PASSWORD: Final = re.compile(r"[ -~]{16,40}")
#: Source: OCPP 2.0.1 part 4 section 3.1.1, identifierString without what an address needs quoted.
_IDENTITY: Final = re.compile(r"[A-Za-z0-9*\-_=.|@]{1,48}")
_PLAIN_PROFILES: Final = frozenset({0, 1})
_LEAST_DA: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class OcppSettings:
    """Keys of /config/ocpp, in its order."""

    enabled: bool = flag(False, about="whether the charger connects to the management system")
    url: str = text("", high=256, about="ws:// or wss:// address; the identity is appended to it")
    version: str = word("1.6", words=("1.6", "2.0.1"), about="version of OCPP that is spoken")
    identity: str = text("", high=48, about="how the management system knows this charger")
    security_profile: int = whole(
        0,
        low=0,
        high=3,
        about="0 no password, 1 password over ws, 2 password over wss, 3 client certificate",
    )
    password: str = text(
        "",
        high=40,
        about="for profiles 1 and 2; never shown again, and forgotten when url names another host",
        secret=True,
    )
    ca_certificate: str = pem(
        high=32768, about="who is trusted for wss; empty: the system's certificates"
    )
    client_certificate: str = pem(high=32768, about="own certificate for profile 3")
    client_key: str = pem(
        high=16384, about="key of the own certificate; never shown again", secret=True
    )
    id_tag: str = text(
        "EVSED", low=1, high=20, about="token of sessions for which nobody presented one"
    )
    meter_interval_s: int = whole(
        60, low=5, high=86400, unit="s", about="pause between two meter values of a transaction"
    )
    offline_current_da: int = current(
        630,
        low=0,
        high=63,
        about="most that is offered while the management system is away: 6 to 63, 0 for a pause; "
        "63 leaves its last profiles in force alone",
    )
    offline_after_s: int = whole(
        120, low=5, high=86400, unit="s", about="so long away before offlineCurrent is in force"
    )


def check_ocpp(settings: OcppSettings) -> None:
    """Judge the settings as a whole.

    Raises:
        RejectedError: names the key and what is permitted.
    """
    if 0 < settings.offline_current_da < _LEAST_DA:
        raise RejectedError("0 or a number 6 … 63 expected", key="offlineCurrent")
    if settings.identity and not _IDENTITY.fullmatch(settings.identity):
        raise RejectedError("1 … 48 of letters, digits and *-_=.|@ are expected", key="identity")
    if settings.password and not _PASSWORD.fullmatch(settings.password):
        raise RejectedError(
            "16 … 40 printable ASCII characters or nothing expected", key="password"
        )
    if settings.url or settings.enabled:
        _check_url(settings)
    if settings.enabled:
        _check_complete(settings)


def _check_url(settings: OcppSettings) -> None:
    scheme = "ws" if settings.security_profile in _PLAIN_PROFILES else "wss"
    try:
        address = urlsplit(settings.url)
        host, _port = address.hostname, address.port
    except ValueError:
        address, host = urlsplit(""), None
    if address.scheme not in {"ws", "wss"} or not host:
        raise RejectedError("ws:// or wss:// with a host expected", key="url")
    if address.username is not None or address.query or address.fragment:
        raise RejectedError("an address without user, query and fragment expected", key="url")
    if scheme == "wss" and address.scheme != "wss":
        raise RejectedError("wss:// expected with security profiles 2 and 3", key="url")


def _check_complete(settings: OcppSettings) -> None:
    """Judge whether there is all that a connection needs."""
    profile = settings.security_profile
    if not settings.identity:
        raise RejectedError("an identity is expected while enabled is true", key="identity")
    if profile in {1, 2} and not settings.password:
        raise RejectedError("is expected with security profiles 1 and 2", key="password")
    if profile == 3 and not (settings.client_certificate and settings.client_key):
        key = "clientKey" if settings.client_certificate else "clientCertificate"
        raise RejectedError("is expected with security profile 3", key=key)


OCPP: Final[Section[OcppSettings]] = plain_section(
    "ocpp",
    OcppSettings,
    check=lambda settings, _board: check_ocpp(settings),
    secrets=SECRETS,
    sent_to={"password": "url"},
)
