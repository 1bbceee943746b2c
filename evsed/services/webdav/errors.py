"""What a request is refused with: a code, a sentence, sometimes a condition of RFC 4918. Pure."""

import errno
import sqlite3
from typing import Final

from evsed.errors import EvsedError

_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EMLINK})
_GONE: Final = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP})
_FORBIDDEN: Final = frozenset(
    {errno.EACCES, errno.EPERM, errno.EROFS, errno.EXDEV, errno.ENAMETOOLONG, errno.EBUSY}
)


class DavError(EvsedError):
    """A request that is refused; nothing has changed.

    Args:
        status: the code.
        line: one sentence for people.
        condition: XML of what RFC 4918 calls a precondition, for programs.
        allow: value of the ``Allow`` header.
        closing: the rest of the request is not read; the connection ends.
    """

    def __init__(
        self,
        status: int,
        line: str,
        *,
        condition: str = "",
        allow: str = "",
        closing: bool = False,
    ) -> None:
        super().__init__(line)
        self.status = status
        self.line = line
        self.condition = condition
        self.allow = allow
        self.closing = closing


def bad(line: str) -> DavError:
    """Return the refusal of a request that is not understood."""
    return DavError(400, line)


def missing() -> DavError:
    """Return the answer to a request for what is not there."""
    return DavError(404, "no such file or collection")


def no_parent() -> DavError:
    """Return the refusal to make something in a collection that is not there."""
    return DavError(409, "the parent collection does not exist")


def status_of(error: OSError) -> int:
    """Return the code for what the file system said."""
    if error.errno in _NO_ROOM:
        return 507
    if error.errno in _GONE:
        return 409
    return 403 if error.errno in _FORBIDDEN else 500


def from_disk(error: OSError | sqlite3.Error) -> DavError:
    """Return the refusal for what the file system or the database said."""
    if isinstance(error, OSError):
        return DavError(status_of(error), f"the file system refuses: {error.strerror or error}")
    full = "full" in str(error)
    return DavError(507 if full else 500, f"properties cannot be kept: {error}")
