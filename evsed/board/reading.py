"""What one file said so far: values by dotted key, pins, and everything wrong with it."""

from dataclasses import dataclass, field
from typing import TypeVar

from evsed.board.description import Adc
from evsed.board.yaml_tree import Mark, Node, Problems

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class PinRole:
    """What a GPIO is for, and how bad it is when its level at reset switches it on.

    Args:
        use: words for the installer.
        function: ``output``, ``input``, ``PWM`` or ``1-wire``.
        invert_key: neighbouring key that inverts the line.
        pull_key: neighbouring key with the pull of an input.
        at_reset: ``error``, ``warning`` or ``""``: what a line that is on before the daemon
            runs amounts to.
    """

    use: str
    function: str
    invert_key: str = ""
    pull_key: str = ""
    at_reset: str = ""


@dataclass(frozen=True, slots=True)
class PinUse:
    """One GPIO named in a file."""

    gpio: int
    path: str
    mark: Mark
    role: PinRole


@dataclass(slots=True)
class Reading:
    """What one file said so far: values by dotted key, and everything wrong with it."""

    errors: Problems = field(default_factory=Problems)
    warnings: Problems = field(default_factory=Problems)
    values: dict[str, object] = field(default_factory=dict)
    marks: dict[str, Mark] = field(default_factory=dict)
    pins: list[PinUse] = field(default_factory=list)
    #: The converters that channel references point into; None when they could not be read.
    converters: tuple[Adc, ...] | None = None

    def keep(self, path: str, node: Node, value: T) -> T:
        """Remember a good value under its key."""
        self.values[path] = value
        self.marks[path] = node.mark
        return value

    def get(self, path: str, kind: type[T]) -> T | None:
        """Return the value of a key if it is there, good and of that type."""
        value = self.values.get(path)
        return value if isinstance(value, kind) else None

    def refuse(self, path: str, text: str) -> None:
        """Note an error at the place of a key that was read."""
        self.errors.add(self.marks.get(path, Mark()), path, text)

    def warn(self, path: str, text: str) -> None:
        """Note a warning at the place of a key that was read."""
        self.warnings.add(self.marks.get(path, Mark()), path, text)
