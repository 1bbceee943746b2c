"""One thing a check found."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How much it matters."""

    GOOD = "good"
    #: it works, or will; something ought to be better
    ADVICE = "advice"
    #: the charger cannot work, or is less safe than it should be
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at, what was seen, and for what is not good the way to mend it."""

    topic: str
    verdict: Verdict
    seen: str
    remedy: str = ""


def good(topic: str, seen: str) -> Finding:
    """Return a finding nobody has to act on."""
    return Finding(topic, Verdict.GOOD, seen)


def advice(topic: str, seen: str, remedy: str) -> Finding:
    """Return a finding somebody may act on."""
    return Finding(topic, Verdict.ADVICE, seen, remedy)


def bad(topic: str, seen: str, remedy: str) -> Finding:
    """Return a finding somebody must act on."""
    return Finding(topic, Verdict.BAD, seen, remedy)
