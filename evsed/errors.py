"""The families of exceptions the daemon raises, under one root."""


class EvsedError(Exception):
    """Root of everything raised on purpose."""


class BadFileError(EvsedError):
    """A file is not what it should be; the message names file, line, key and expectation."""


class RejectedError(EvsedError):
    """The caller asked for something that is not permitted; nothing has changed.

    Args:
        reason: one sentence for the caller: key and permitted range.
        key: the wire name of the offending value, when there is one.
    """

    def __init__(self, reason: str, *, key: str | None = None) -> None:
        super().__init__(f"{key}: {reason}" if key else reason)
        self.key = key
        self.reason = reason


class HardwareError(EvsedError):
    """A device failed; the message names device and pin."""


class StorageError(EvsedError):
    """The disk refused to keep something; the old values stay in force."""


class DisplayError(EvsedError):
    """The display refused a program, or did not answer; the old one may be gone."""


class BrokenUpload(EvsedError):  # noqa: N818  # a name the API's words suggest
    """Whoever sent a file stopped before its end."""


class UpdateError(EvsedError):
    """An update could not be had or installed; what was running goes on running.

    Args:
        status: the API's number for what went wrong: 520 the version could not be looked up, 521
            download, check, staging or installation failed, 523 not an acceptable package.
            Source: rest.md section 12.
        reason: one sentence.
    """

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
