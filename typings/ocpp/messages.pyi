from typing import Any

class Call:
    unique_id: Any  # whatever the other side has sent
    action: Any
    payload: Any
    def __init__(self, unique_id: str, action: str, payload: dict[str, Any]) -> None: ...
    def to_json(self) -> str: ...
    def create_call_result(self, payload: Any) -> CallResult: ...

class CallResult:
    unique_id: Any
    action: str | None
    payload: dict[str, Any]
    def to_json(self) -> str: ...

class CallError:
    unique_id: Any
    error_code: Any
    error_description: Any
    def __init__(
        self,
        unique_id: str,
        error_code: str,
        error_description: str,
        error_details: dict[str, Any] | None = None,
    ) -> None: ...
    def to_json(self) -> str: ...

def unpack(msg: str) -> Call | CallResult | CallError: ...
async def validate_payload(message: Call | CallResult, ocpp_version: str) -> None: ...
