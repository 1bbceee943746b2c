"""What is looked at during a soak, and what it is judged by."""

from collections.abc import Sequence
from dataclasses import dataclass

from growth import growth, slope

#: The first part is left out: libraries load late, buffers find their size.
_WARM = 0.25
#: The line through all points may rise by so much over the time that is judged.
MOST_MB = 3.0
MOST_DESCRIPTORS = 3.0
MOST_THREADS = 0.5


@dataclass(frozen=True)
class Point:
    """One look at the daemon.

    Args:
        at_s: since the beginning.
        late_us: the latest pass so far.
        late: passes so far that began more than 20 ms late.
        alarms: names.
        trouble: state and errors when the vehicle was not being charged; empty when it was.
    """

    at_s: float
    rss_mb: float
    descriptors: int
    threads: int
    late_us: int
    late: int
    passes: int
    alarms: tuple[str, ...]
    trouble: str


@dataclass(frozen=True)
class Verdict:
    """What the points say."""

    lines: Sequence[str]
    troubles: Sequence[str]


def judge(points: Sequence[Point]) -> Verdict:
    """Return what was found, and what is wrong with it."""
    first, last = points[0], points[-1]
    warm = [point for point in points if point.at_s >= last.at_s * _WARM]
    memory = [(point.at_s, point.rss_mb) for point in warm]
    descriptors = [(point.at_s, float(point.descriptors)) for point in warm]
    threads = [(point.at_s, float(point.threads)) for point in warm]
    alarms = sorted({alarm for point in points for alarm in point.alarms})
    lines = (
        f"{last.at_s:.0f} s, {len(points)} looks, {last.passes} control passes",
        f"latest pass {last.late_us / 1000:.1f} ms; {last.late} passes over 20 ms",
        f"memory {first.rss_mb:.1f} MB at first, {warm[0].rss_mb:.1f} MB warm, "
        f"{last.rss_mb:.1f} MB at last; {slope(memory) * 3600:+.2f} MB an hour",
        f"file descriptors {warm[0].descriptors} .. {last.descriptors}, "
        f"threads {warm[0].threads} .. {last.threads}",
        f"alarms: {', '.join(alarms) or 'none'}",
    )
    bounds = (
        ("memory, MB", growth(memory), MOST_MB),
        ("file descriptors", growth(descriptors), MOST_DESCRIPTORS),
        ("threads", growth(threads), MOST_THREADS),
    )
    troubles = [f"{name}: grew by {grown:.1f}" for name, grown, most in bounds if grown > most]
    troubles += [f"alarm {alarm}" for alarm in alarms]
    interrupted = [f"{point.trouble} after {point.at_s:.0f} s" for point in points if point.trouble]
    if interrupted:
        troubles.append(f"the charge was interrupted: {interrupted[0]}")
    return Verdict(lines, troubles)
