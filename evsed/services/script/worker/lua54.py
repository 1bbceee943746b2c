"""Finds Lua 5.4, and nothing else: other versions are other languages. Source: lua.md 2."""

import sys
from pathlib import Path
from typing import Any, Final

#: The package carries its own, because the distribution's is LuaJIT.
_PRIVATE: Final = Path("/usr/lib/evsed/vendor")


class NoLuaError(Exception):
    """There is no Lua 5.4 on this machine."""


def new_runtime(memory_bytes: int) -> Any:
    """Return a state without Python in it.

    Raises:
        NoLuaError: no Lua 5.4 can be imported.
    """
    runtime = _module().LuaRuntime(
        encoding="latin-1",
        unpack_returned_tuples=True,
        register_eval=False,
        register_builtins=False,
        attribute_filter=_refuse,
        max_memory=memory_bytes,
    )
    runtime.globals()["python"] = None
    return runtime


def _module() -> Any:
    if _PRIVATE.is_dir() and str(_PRIVATE) not in sys.path:
        sys.path.insert(0, str(_PRIVATE))
    try:
        from lupa import lua54  # noqa: PLC0415  # only where an engine is wanted
    except ImportError as error:
        raise NoLuaError("no Lua 5.4 engine") from error
    return lua54


def _refuse(_object: object, _name: object, _setting: bool) -> object:
    raise AttributeError("nothing of the host can be looked into")
