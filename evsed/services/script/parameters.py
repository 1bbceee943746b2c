"""Values of components' parameters, as texts in one small file. Source: lua.md section 5.3."""

import logging
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from evsed.errors import StorageError
from evsed.settings.files import replace_file

Value = str | float | bool | None

_MOST_BYTES: Final = 256 * 1024

_log = logging.getLogger(__name__)


def stored_text(value: Value) -> str:
    """Return a value as it is kept: the shortest text that reads back as the same."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case float() if value.is_integer() and abs(value) < 2**53:
            return str(int(value))
        case _:
            return str(value)


class Parameters:
    """The file, read whenever a component starts and replaced whole. Blocks; for worker threads.

    Args:
        file: ``params.yaml``. Passwords of brokers are in it.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = threading.Lock()

    def of(self, component: str) -> dict[str, str]:
        """Return what is stored for a component.

        Raises:
            StorageError: the file, or this part of it, is not ours to understand.
        """
        try:
            found = self._read().get(component)
        except StorageError as error:
            _log.error("%s", error)
            raise
        if found is not None and found != "" and not isinstance(found, dict):
            raise StorageError(f"params.yaml: {component} is not a mapping")
        return _texts(found)

    def change(self, component: str, values: Mapping[str, Value]) -> None:
        """Store some values, forget those that are None; all others, known or not, stay.

        Raises:
            StorageError: the file cannot be read or written.
        """
        with self._lock:
            document = self._read()
            block = document.get(component)
            kept = dict(block) if isinstance(block, dict) else {}
            kept.update({key: stored_text(value) for key, value in values.items()})
            for key in [key for key, value in values.items() if value is None]:
                del kept[key]
            document[component] = kept
            text = yaml.safe_dump(document, allow_unicode=True, default_flow_style=False)
            try:
                self._file.parent.mkdir(parents=True, exist_ok=True)
                replace_file(self._file, text.encode())
            except OSError as error:
                raise StorageError(
                    f"the parameters could not be saved: {error.strerror}"
                ) from error

    def _read(self) -> dict[str, Any]:
        """Return the file with every scalar as the text it is: a typed reader damages texts.

        Raises:
            StorageError: there is a file and it is not ours to understand.
        """
        try:
            with self._file.open("rb") as file:
                data = file.read(_MOST_BYTES + 1)
            if len(data) > _MOST_BYTES:
                raise StorageError("params.yaml is too large")
            document = yaml.load(data.decode(), Loader=yaml.BaseLoader)  # noqa: S506  # texts only
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, yaml.YAMLError) as error:
            raise StorageError(f"params.yaml cannot be read, and is left alone: {error}") from error
        if document in (None, ""):
            return {}
        if not isinstance(document, dict):
            raise StorageError("params.yaml is not a mapping, and is left alone")
        return document


def _texts(block: object) -> dict[str, str]:
    if not isinstance(block, dict):
        return {}
    return {
        key: value
        for key, value in block.items()
        if isinstance(key, str) and isinstance(value, str)
    }
