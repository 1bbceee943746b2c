"""Trusted keys: what counts as one, and what minisign says."""

import subprocess

import pytest

from evsed.host.signatures import Signatures


@pytest.fixture
def signed(tmp_path):
    """Return a folder with a key, a file and its signature."""
    run = {"capture_output": True, "cwd": tmp_path, "input": b"\n"}
    subprocess.run(["minisign", "-G", "-W", "-p", "release.pub", "-s", "secret"], check=True, **run)
    (tmp_path / "file").write_bytes(b"something")
    subprocess.run(["minisign", "-S", "-s", "secret", "-m", "file"], check=True, **run)
    return tmp_path


async def signer(folder, *folders, program="minisign"):
    trust = Signatures(folders or [folder], program)
    return await trust.signer(folder / "file", folder / "file.minisig")


async def test_the_key_that_signed_is_named(signed):
    assert await signer(signed) == "release"


async def test_a_changed_file_is_signed_by_nobody(signed):
    (signed / "file").write_bytes(b"something else")
    assert await signer(signed) is None


async def test_keys_are_found_in_every_folder_the_moment_they_are_there(signed, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    assert await signer(signed, other / "missing", other) is None
    (other / "z.pub").write_text((signed / "release.pub").read_text().splitlines()[1])
    assert await signer(signed, other / "missing", other) == "z"


async def test_a_key_that_others_may_write_is_not_trusted(signed, caplog):
    (signed / "release.pub").chmod(0o664)
    assert await signer(signed) is None
    assert "others than its owner" in caplog.text


@pytest.mark.parametrize("text", ["", "untrusted comment: x\n", "-h", "RWQ=", "ä", "A" * 5000])
async def test_a_file_that_is_no_key_is_ignored_and_named(signed, text, caplog):
    (signed / "a.pub").write_text(text)
    assert await signer(signed) == "release"
    assert "a.pub" in caplog.text


async def test_without_minisign_the_caller_is_told(signed):
    with pytest.raises(OSError, match="nowhere"):
        await signer(signed, program="/nowhere/minisign")


async def test_a_name_with_a_newline_or_a_dash_is_only_a_name(signed):
    (signed / "-x\n$(id).pub").write_text((signed / "release.pub").read_text())
    (signed / "release.pub").unlink()
    assert await signer(signed) == "-x\n$(id)"
