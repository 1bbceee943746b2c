"""Small Debian packages, made without dpkg. Source: deb(5)."""

import gzip
import hashlib
import io
import tarfile


def debian_package(name: str, version: str, architecture: str = "all") -> bytes:
    """Return a package with one file of two kilobytes in it."""
    control = (
        f"Package: {name}\nVersion: {version}\nArchitecture: {architecture}\n"
        "Maintainer: nobody <nobody@example.org>\nDescription: a test\n"
    )
    members = {
        "debian-binary": b"2.0\n",
        "control.tar.gz": _archive("./control", control.encode()),
        "data.tar.gz": _archive("./usr/share/test", hashlib.shake_128(b"data").digest(2048)),
    }
    return b"!<arch>\n" + b"".join(_member(*member) for member in members.items())


def _archive(name: str, data: bytes) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        entry = tarfile.TarInfo(name)
        entry.size = len(data)
        archive.addfile(entry, io.BytesIO(data))
    return gzip.compress(packed.getvalue(), mtime=0)


def _member(name: str, data: bytes) -> bytes:
    header = f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(data):<10}`\n"
    return header.encode() + data + b"\n" * (len(data) % 2)
