"""Which requests may come from a browser page of somebody else: none that change anything. Pure.

Browsers attach remembered credentials to foreign requests, and a page can rebind its own name to
our address. Clients without ``Origin`` and ``Sec-Fetch-Site`` (curl, evcc) are untouched.
Source: rest.md section 2.4.
"""

import ipaddress
from collections.abc import Collection, Mapping
from functools import lru_cache
from urllib.parse import urlsplit

_READING = frozenset({"GET", "HEAD", "OPTIONS", "PROPFIND"})
_DEFAULT_PORT = {"http": 80, "https": 443}


def changes_something(method: str) -> bool:
    """Tell whether a method is meant to do more than read."""
    return method not in _READING


def foreign_origin(
    method: str, headers: Mapping[str, str], permitted: Collection[str] = ()
) -> str | None:
    """Return why a changing request looks foreign, or None when it may pass.

    Args:
        method: of the request.
        headers: of the request.
        permitted: origins the administrator trusts (``http.corsOrigins``).
    """
    origin = headers.get("Origin")
    if not changes_something(method) or (origin is not None and origin in permitted):
        return None
    if headers.get("Sec-Fetch-Site", "").lower() == "cross-site":
        return "requests from other sites are refused"
    if origin is not None and not _same_site(origin, headers.get("Host", "")):
        return "requests from other sites are refused: Origin differs from Host"
    return None


def foreign_host(host_header: str | None, own_names: Collection[str]) -> str | None:
    """Return why a ``Host`` header is not one of ours, or None; a request without one may pass.

    Args:
        host_header: with or without port.
        own_names: the system's names and ``http.allowedHosts``, lower case.
    """
    if host_header is None:
        return None
    name = _host_and_port(f"//{host_header}", 80)[0]
    if name and (_is_local(name) or name in own_names):
        return None
    return "this host name is not known here; add it to http.allowedHosts in evsed.yaml"


def _same_site(origin: str, host_header: str) -> bool:
    port = _DEFAULT_PORT.get(_scheme(origin), 80)
    theirs = _host_and_port(origin, port)
    return bool(theirs[0]) and theirs == _host_and_port(f"//{host_header}", port)


def _scheme(origin: str) -> str:
    return origin.partition("://")[0].lower() if "://" in origin else ""


@lru_cache(maxsize=64)  # a poller names the same host every time
def _host_and_port(address: str, default_port: int) -> tuple[str, int]:
    try:
        parts = urlsplit(address)
        return (parts.hostname or "").rstrip("."), parts.port or default_port
    except ValueError:
        return "", default_port


@lru_cache(maxsize=64)
def _is_local(name: str) -> bool:
    if "." not in name or name.endswith(".local"):
        return ":" not in name or _is_address(name)
    return _is_address(name)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return False
    return True
