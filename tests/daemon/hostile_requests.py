"""Makes requests no client means to send, the same ones for the same seed. Pure."""

import random
from collections.abc import Callable, Iterator

GOOD_PATHS = (
    "/",
    "/manifest.webmanifest",
    "/api/v1/state",
    "/api/v1/config",
    "/api/v1/config/evse",
    "/api/v1/info",
    "/api/v1/log?index=0",
    "/api/v1/reason",
    "/api/v1/openapi.json",
    "/api/v1/script/components/x",
    "/dav/",
    "/dav/usr/",
    "/dav/usr/lua/init.lua",
)
#: writes that cost no restart, no clock, no credentials
WRITABLE = (
    "/api/v1/state",
    "/api/v1/state/charging-current",
    "/api/v1/state/consumption-limit",
    "/api/v1/config/evse",
    "/api/v1/config/scheduler",
    "/api/v1/script/components/x",
)
BODIES = (
    b"",
    b"{}",
    b"[]",
    b"null",
    b'{"enabled":1}',
    b'{"chargingCurrent":1e999}',
    b'{"chargingCurrent":NaN}',
    b'{"a":1,"a":2}',
    b'"\\ud800"',
    b"[" * 10_000,
    b"[" + b"1," * 20_000 + b"1]",
    b"9" * 5000,
    b"\xff\xfe\x00",
    b'{"timezone":"' + b"A" * 2000 + b'"}',
)
METHODS = ("GET", "POST", "PUT", "DELETE", "PROPFIND", "LOCK", "MOVE", "BREW", "get", "", "G\0T")
VERSIONS = ("HTTP/1.1", "HTTP/1.1", "HTTP/1.0", "HTTP/0.9", "HTTP/2.0", "HTTP/x", "")
NASTY_PATHS = (
    "/../../etc/passwd",
    "/dav/usr/..%2f..%2f..%2fetc/passwd",
    "/dav/usr/%00",
    "/dav/usr/" + "a" * 5000,
    "//evil.example/x",
    "http://evil.example/api/v1/state",
    "*",
    "/%zz",
    "/%ff%fe",
    "/api/v1/log?index=-1&index=zz",
    "/\r\nX-Injected: 1",
    "\\",
    "",
)
HEADERS = (
    "Authorization: Basic !!!!",
    "Authorization: Basic " + "QUFB" * 500,
    "Connection: Upgrade\r\nUpgrade: websocket",
    "Content-Encoding: gzip",
    "Content-Length: -1",
    "Content-Length: 99999999999999999999",
    "Content-Length: 5\r\nContent-Length: 6",
    "Content-Type: application/json; charset=\x00",
    "Depth: infinity",
    "Destination: http://evil.example/dav/usr/x",
    "Expect: 100-continue",
    "Expect: tea",
    "Host: a\r\nHost: b",
    "If: (<" + "(" * 3000,
    "If-None-Match: " + '"x",' * 1000,
    "Last-Event-ID: " + "9" * 3000,
    "Origin: null",
    "Range: bytes=" + "0-0," * 1000,
    "Transfer-Encoding: chunked",
    "Transfer-Encoding: gzip, identity",
    "X-Long: " + "x" * 9000,
    "X: \x00",
    " folded",
    ": nameless",
    "no colon",
)


def hostile_requests(seed: int, count: int) -> Iterator[bytes]:
    """Yield ``count`` requests."""
    dice = random.Random(seed)  # noqa: S311 - the same requests again, not secret ones
    for _ in range(count):
        yield dice.choice(_KINDS)(dice)


def _request(dice: random.Random) -> bytes:
    """Return a request a client could send."""
    if dice.random() < 0.5:
        return f"GET {dice.choice(GOOD_PATHS)} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
    body = dice.choice(BODIES)
    head = (
        f"POST {dice.choice(WRITABLE)} HTTP/1.1\r\nHost: localhost\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _noise(dice: random.Random) -> bytes:
    return dice.randbytes(dice.randrange(1, 600))


def _mutated(dice: random.Random) -> bytes:
    """Return a request with some bytes changed, inserted, repeated or missing."""
    data = bytearray(_request(dice)[:3000])
    for _ in range(dice.randrange(1, 6)):
        at = dice.randrange(len(data) + 1)
        match dice.randrange(4):
            case 0:
                data[at : at + 1] = dice.randbytes(1)
            case 1:
                data[at:at] = dice.choice((b"\r\n", b"\0", b" ", b":", b"\n\n", b"%", b"\xff"))
            case 2:
                data[at:at] = data[at : at + dice.randrange(1, 60)]
            case _:
                del data[at : at + dice.randrange(1, 20)]
    return bytes(data)


def _cut(dice: random.Random) -> bytes:
    data = _request(dice)
    return data[: dice.randrange(len(data))]


def _odd(dice: random.Random) -> bytes:
    """Return a request made of parts that do not belong together."""
    path = dice.choice(GOOD_PATHS + NASTY_PATHS)
    line = f"{dice.choice(METHODS)} {path} {dice.choice(VERSIONS)}"
    headers = dice.sample(HEADERS, dice.randrange(4))
    return "\r\n".join((line, "Host: localhost", *headers, "", "")).encode("latin-1") + dice.choice(
        BODIES
    )


def _chunked(dice: random.Random) -> bytes:
    sizes = ("5", "0", "ZZ", "-1", "ffffffffffffffffff", "5;ext", "05", "", "1e3")
    chunks = "".join(f"{dice.choice(sizes)}\r\nhello\r\n" for _ in range(dice.randrange(1, 30)))
    return (
        f"POST {dice.choice(WRITABLE)} HTTP/1.1\r\nHost: localhost\r\n"
        f"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}\r\n"
    ).encode()


def _pipelined(dice: random.Random) -> bytes:
    return b"".join(_request(dice) for _ in range(dice.randrange(2, 30)))


def _many_headers(dice: random.Random) -> bytes:
    lines = "".join(f"X-{number}: {'y' * 50}\r\n" for number in range(dice.randrange(20, 1000)))
    return f"GET / HTTP/1.1\r\nHost: localhost\r\n{lines}\r\n".encode()


_KINDS: tuple[Callable[[random.Random], bytes], ...] = (
    _request, _noise, _mutated, _mutated, _mutated, _cut, _odd, _odd, _odd, _chunked,
    _pipelined, _many_headers,
)  # fmt: skip
