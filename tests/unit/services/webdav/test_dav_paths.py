"""Names from URLs, and URLs from names."""

import random

import pytest

from evsed.host.user_files import MAX_LEVELS, MAX_NAME_BYTES, reachable
from evsed.services.webdav.errors import DavError
from evsed.services.webdav.paths import Place, href, parse_destination, parse_target


@pytest.mark.parametrize(
    ("raw", "segments", "slash"),
    [
        ("/dav", (), False),
        ("/dav/", (), True),
        ("/dav?x", (), False),
        ("/dav/usr", ("usr",), False),
        ("/dav/usr/a%20b/", ("usr", "a b"), True),
        ("/dav/usr/%C3%A4?x=/../", ("usr", "\u00e4"), False),
        ("/dav/usr/a%CC%88", ("usr", "\u00e4"), False),
        ("/dav/usr/\u00e4", ("usr", "\u00e4"), False),
        ("/dav/usr/%23%3F%25", ("usr", "#?%"), False),
        ("/dav/usr/%252e%252e", ("usr", "%2e%2e"), False),
        ("/dav/usr/...", ("usr", "..."), False),
        ("/dav/usr/.hidden", ("usr", ".hidden"), False),
        ("/dav/usr/" + "d/" * MAX_LEVELS, ("usr", *"d" * MAX_LEVELS), True),
        ("/dav/usr/" + "n" * MAX_NAME_BYTES, ("usr", "n" * MAX_NAME_BYTES), False),
        ("http://charger/dav/usr/a", ("usr", "a"), False),
    ],
)
def test_names_of_a_target(raw, segments, slash):
    assert parse_target(raw) == Place(segments, slash)


def test_a_path_may_have_1024_bytes_and_no_more():
    exact = "/".join(["m" * 255] * 4)
    assert len(exact) == 1023
    assert parse_target(f"/dav/usr/{exact}").names
    assert parse_target(f"/dav/usr/{exact[:-10]}/{'m' * 10}").names
    with pytest.raises(DavError):
        parse_target(f"/dav/usr/{exact}/mm")


def test_what_a_place_is():
    kinds = [
        (place.in_tree, place.standing, place.fixed)
        for place in map(Place, [(), ("usr",), ("usr", "a"), ("other",), ("other", "a")])
    ]
    assert kinds == [
        (False, True, True),
        (True, True, True),
        (True, False, False),
        (False, False, True),
        (False, False, True),
    ]


def test_names_survive_the_way_to_a_url_and_back():
    letters = random.Random(7)  # noqa: S311  # the same in every run
    for _ in range(2000):
        alphabet = [*map(chr, range(32, 127)), *"\U0001f50c\u00e4\u4e2d" * 20]
        name = "".join(letters.choices(alphabet, k=letters.randrange(1, 12)))
        if not reachable(name):
            assert "/" in name or "\\" in name or name in {".", ".."}
            continue
        url = href(("usr", name), collection=False)
        assert url.isascii()
        assert not set("<>&\"'") & set(url)
        assert parse_target(url) == Place(("usr", name), slash=False)
        assert parse_destination(f"http://h:80{url}", "H").names == (name,)


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "a/b", "a\\b", "a\x00", "a\n", "a\udc80", "a\u0308", ".evsed-put-1", "n" * 256],
)
def test_names_on_disk_that_no_url_has(name):
    assert not reachable(name)
