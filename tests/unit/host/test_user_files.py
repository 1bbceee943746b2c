"""One rule for names: what every interface lets in, lists and brings back."""

import pytest

from evsed.host.user_files import MAX_NAME_BYTES, composed, flaw, reachable, unspeakable

GOOD = ("a", "init.lua", "a b", ".hidden", "...", "%2e", "\u00e4" * 127, "n" * MAX_NAME_BYTES)


@pytest.mark.parametrize("name", GOOD)
def test_good_names(name):
    assert reachable(name)


@pytest.mark.parametrize("name", ["\x00", "a\n", "a\x85", "a\udc80", "a\ufffe", "a\uffff"])
def test_names_that_cannot_be_sent_to_everybody(name):
    assert unspeakable(name)
    assert not reachable(name)


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a\\b", "n" * 256, ".evsed-put-1"])
def test_names_no_file_may_have(name):
    assert flaw(name)
    assert not reachable(name)


def test_a_letter_and_its_accent_are_stored_as_one():
    assert not reachable("a\u0308")
    assert reachable(composed("a\u0308"))
