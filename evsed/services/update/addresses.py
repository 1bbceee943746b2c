"""Where a channel points, and what is refused there. Source: rest.md section 9."""

from urllib.parse import SplitResult, urljoin, urlsplit


class FetchError(Exception):
    """Nothing was got; one sentence, without what may be secret in an address."""


def parts_of(url: str) -> SplitResult:
    """Return the parts of an address.

    Raises:
        FetchError: it is none, or neither https nor a file.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        raise FetchError("the address is not one") from None
    if parts.scheme not in {"https", "file"}:
        raise FetchError("only https is used")
    return parts


def beside(url: str, path: str) -> str:
    """Return the address a descriptor means by a path.

    Raises:
        FetchError: somebody else's descriptor names a file of this machine.
    """
    try:
        there = urljoin(url, path)
    except ValueError:
        raise FetchError("the address is not one") from None
    if parts_of(there).scheme == "file" and parts_of(url).scheme != "file":
        raise FetchError("a channel on the network cannot offer a file of this machine")
    return there
