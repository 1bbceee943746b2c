from collections.abc import Callable
from typing import Any

class LuaRuntime:
    def __init__(
        self,
        *,
        encoding: str | None = ...,
        unpack_returned_tuples: bool = ...,
        register_eval: bool = ...,
        register_builtins: bool = ...,
        attribute_filter: Callable[[Any, Any, bool], Any] | None = ...,
        max_memory: int | None = ...,
    ) -> None: ...
    def execute(self, lua_code: str, *args: Any) -> Any: ...
    def globals(self) -> Any: ...
    def table(self, *items: Any, **kwargs: Any) -> Any: ...
