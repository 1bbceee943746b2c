"""The calls of gpiozero 1.6.2 and 2.0 we rely on."""

from gpiozero.pins.pi import PiFactory

class GPIOZeroError(Exception): ...

class DigitalOutputDevice:
    def __init__(
        self,
        pin: int,
        *,
        active_high: bool = ...,
        initial_value: bool | None = ...,
        pin_factory: PiFactory | None = ...,
    ) -> None: ...
    def on(self) -> None: ...
    def off(self) -> None: ...
    def close(self) -> None: ...

class InputDevice:
    def __init__(
        self,
        pin: int,
        *,
        pull_up: bool | None = ...,
        active_state: bool | None = ...,
        pin_factory: PiFactory | None = ...,
    ) -> None: ...
    def close(self) -> None: ...
