"""The ``Authorization`` header of HTTP Basic. Pure. Source: rest.md section 2.3."""

import base64
import binascii


def read_basic(header: str) -> tuple[str, str] | None:
    """Return user and password, or None when the header does not hold them."""
    scheme, _, token = header.strip().partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        pair = _text(base64.b64decode(token.strip(), validate=True))
    except (binascii.Error, ValueError):
        return None
    user, colon, password = pair.partition(":")
    return (user, password) if colon else None


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")
