"""The text format Prometheus reads, and why not by its library: decision 0031. Pure.

Source: https://prometheus.io/docs/instrumenting/exposition_formats/, text format 0.0.4.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

_IN_LABELS: Final = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n"})
_IN_HELP: Final = str.maketrans({"\\": "\\\\", "\n": "\\n"})
_NO_LABELS: Final[Mapping[str, str]] = {}


@dataclass(slots=True)
class Metric:
    """One metric and its samples.

    Args:
        name: with its unit; a counter's ends in ``_total``.
        kind: ``gauge``, ``counter`` or ``histogram``.
        about: what it measures.
    """

    name: str
    kind: str
    about: str
    lines: list[str] = field(default_factory=list)

    def add(self, value: float, labels: Mapping[str, str] = _NO_LABELS, suffix: str = "") -> None:
        """Add a sample; truth values count 1 and 0."""
        told = ",".join(f'{key}="{text.translate(_IN_LABELS)}"' for key, text in labels.items())
        braces = f"{{{told}}}" if told else ""
        number = int(value) if isinstance(value, bool) else value
        self.lines.append(f"{self.name}{suffix}{braces} {number!r}")


def text_of(metrics: Iterable[Metric]) -> str:
    """Return the text of a scrape; a metric without samples is left out."""
    return "".join(
        f"# HELP {one.name} {one.about.translate(_IN_HELP)}\n# TYPE {one.name} {one.kind}\n"
        + "".join(f"{line}\n" for line in one.lines)
        for one in metrics
        if one.lines
    )
