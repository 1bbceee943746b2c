"""Packages read without dpkg: what dpkg says of them, and what is no package."""

import io
import os
import random
import subprocess
import tarfile
import tracemalloc
import zlib

import pytest
from update_world import built

from evsed.errors import UpdateError
from evsed.services.update.deb import MIN_BYTES, SIGNATURE, read_package
from evsed.services.update.signing import signed

ROUNDS = int(os.environ.get("EVSED_FUZZ", "400"))


def read(data):
    return read_package(io.BytesIO(data))


def part(name, data, *, size=None):
    length = len(data) if size is None else size
    header = f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{length:<10}`\n".encode()
    return header + data + b"\n" * (len(data) % 2)


def control_tar(text="Package: evsed\nVersion: 1\nArchitecture: all\n", name="./control", **more):
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as tar:
        entry = tarfile.TarInfo(name)
        entry.size = len(text.encode())
        for key, value in more.items():
            setattr(entry, key, value)
        tar.addfile(entry, io.BytesIO(text.encode()))
    return target.getvalue()


BINARY = part("debian-binary", b"2.0\n")
DATA = part("data.tar.xz", os.urandom(2000))


def package(*parts, control="control.tar", content=None):
    middle = parts or (BINARY, part(control, content or control_tar()), DATA)
    return b"!<arch>\n" + b"".join(middle)


@pytest.mark.parametrize(
    ("pack", "level"), [("xz", None), ("xz", 9), ("gzip", None), ("none", None)]
)
def test_what_dpkg_deb_packs_is_read_as_dpkg_deb_reads_it(tmp_path, pack, level):
    data = built(tmp_path, version="1:2.3~rc1-4", architecture="arm64", pack=pack, level=level)
    (tmp_path / "x.deb").write_bytes(data)
    command = ["dpkg-deb", "--field", str(tmp_path / "x.deb"), "Package", "Version", "Architecture"]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = read(data)
    assert said == (
        f"Package: {found.name}\nVersion: {found.version}\nArchitecture: {found.architecture}\n"
    )
    assert (found.signed_bytes, found.signature) == (len(data), None)


def test_dpkg_deb_reads_a_signed_package_like_an_unsigned_one(tmp_path):
    data = built(tmp_path)
    both = signed(data, b"a signature of some length")
    assert both.startswith(data)
    (tmp_path / "signed.deb").write_bytes(both)
    command = ["dpkg-deb", "--field", str(tmp_path / "signed.deb"), "Package"]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout == "evsed\n"
    found = read(both)
    assert (found.signed_bytes, found.signature) == (len(data), b"a signature of some length")


def test_zstd_is_refused_by_name(tmp_path):
    with pytest.raises(UpdateError, match=r"control\.tar\.zst"):
        read(built(tmp_path, pack="zstd"))


def test_only_the_first_paragraph_counts():
    text = "Package: evsed\nVersion: 1\nArchitecture: all\n\nPackage: other\n"
    assert read(package(content=control_tar(text))).name == "evsed"


def gzip_bomb():
    packer = zlib.compressobj(9, wbits=31)
    packed = b"".join(packer.compress(bytes(1 << 20)) for _ in range(300)) + packer.flush()
    return package(control="control.tar.gz", content=packed)


BAD = {
    "nothing": b"",
    "ten bytes": b"0123456789",
    "short": package()[: MIN_BYTES - 1],
    "zeros": bytes(5000),
    "a zip": b"PK\3\4" + bytes(5000),
    "cut": package()[:-1],
    "longer than it says": package() + b"more",
    "a byte more": package() + b"\n",
    "no header": package(BINARY, b"x" * 60, DATA),
    "negative size": package(BINARY, part("control.tar", b"", size=-1), DATA),
    "huge size": package(BINARY, part("control.tar", b"", size=9999999999), DATA),
    "other format": package(
        part("debian-binary", b"3.0\n"), part("control.tar", control_tar()), DATA
    ),
    "not first": package(part("control.tar", control_tar()), BINARY, DATA),
    "no control": package(BINARY, DATA),
    "no data": package(BINARY, part("control.tar", control_tar())),
    "two datas": package(BINARY, part("control.tar", control_tar()), DATA, DATA),
    "something after": package(
        BINARY, part("control.tar", control_tar()), DATA, part("x", bytes(100))
    ),
    "signature not last": package(
        BINARY, part("control.tar", control_tar()), part(SIGNATURE, b"x"), DATA, DATA
    ),
    "signature too long": package() + part(SIGNATURE, bytes(5000)),
    "many parts": package(BINARY, *[part("_x", b"") for _ in range(40)], DATA),
    "control is no tar": package(content=os.urandom(4096)),
    "control is no gzip": package(control="control.tar.gz", content=os.urandom(4096)),
    "control is no xz": package(control="control.tar.xz", content=os.urandom(4096)),
    "no control file": package(content=control_tar(name="./postinst")),
    "control is a link": package(
        content=control_tar("", type=tarfile.SYMTYPE, linkname="/etc/passwd")
    ),
    "control is huge": package(content=control_tar("x" * 70_000)),
    "control is not UTF-8": package(content=control_tar().replace(b"Package:", b"\xff\xfeckage")),
    "bomb": gzip_bomb(),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_package_is_refused(name):
    with pytest.raises(UpdateError) as caught:
        read(BAD[name])
    assert caught.value.status == 523


def test_the_good_one_of_these_tests_is_good():
    assert read(package()).name == "evsed"


def test_a_bomb_takes_no_memory():
    data = BAD["bomb"]
    tracemalloc.start()
    try:
        with pytest.raises(UpdateError):
            read(data)
        assert tracemalloc.get_traced_memory()[1] < 8_000_000
    finally:
        tracemalloc.stop()


def test_whatever_is_damaged_reading_ends_in_a_package_or_a_refusal(tmp_path):
    dice = random.Random(3)  # noqa: S311 - the same damage in every run
    seeds = [package(), built(tmp_path), built(tmp_path, pack="gzip")]
    refused = []
    for _ in range(ROUNDS):
        data = bytearray(dice.choice(seeds))
        for _ in range(dice.choice([1, 1, 3, 20])):
            data[dice.randrange(min(len(data), 700))] = dice.randrange(256)
        try:
            found = read(bytes(data))
        except UpdateError as error:
            refused.append(error.status)
        else:
            assert found.signed_bytes <= len(data)
    assert set(refused) == {523}
