"""From the figures of each benchmark to the rows of the table. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any, Final

from evsed.bench.figures import Distribution, distribution
from evsed.bench.targets import (
    IDLE,
    LATE_MAX,
    LATE_P999,
    MEMORY,
    MODBUS,
    REACTION,
    READY,
    SAFE,
    STATE,
    TARGETS,
    Target,
)

_LOADED: Final = "loaded"
_PER_CPU: Final = "per CPU-s"
_BARE: Final = "aiohttp alone"


@dataclass(frozen=True, slots=True)
class Row:
    """One figure.

    Args:
        what: was measured; the name of its target, if it has one.
        figure: in ``unit``.
        anchor: what was measured beside it in the same run.
        beside: the anchor's figure.
        detail: what else one should know.
        trouble: why there is no figure.
    """

    what: str
    figure: float | None = None
    unit: str = ""
    anchor: str = ""
    beside: float | None = None
    detail: str = ""
    trouble: str = ""

    @property
    def ratio(self) -> float | None:
        """The figure in units of the anchor."""
        if self.figure is None or not self.beside:
            return None
        return self.figure / self.beside

    @property
    def target(self) -> Target | None:
        """What is wanted."""
        return TARGETS.get(self.what)

    @property
    def met(self) -> bool | None:
        """Whether the target was met; None where there is none, or nothing to judge."""
        target = self.target
        found = self.ratio if target is not None and target.ratio else self.figure
        return None if target is None or found is None else target.met(found)


def rows_of(kind: str, figures: Any) -> list[Row]:
    """Return the rows of one benchmark's figures, as it writes them with ``--json``."""
    return _KINDS[kind](figures)


def _reaction(figures: Mapping[str, Any]) -> list[Row]:
    rows, worst_us = [], 0
    for load, outcomes in figures["outcomes"].items():
        for kind, outcome in outcomes.items():
            found = distribution(outcome["command_us"])
            if found is None:
                rows.append(Row(f"{load}: {kind}", trouble="no event was answered"))
                continue
            detail = f"{found.count} events: p50 {_ms(found.p50)}, p99 {_ms(found.p99)} ms"
            detail += f"; missed {outcome['missed']}" if outcome["missed"] else ""
            rows.append(Row(f"{load}: {kind}, worst", found.worst / 1000, "ms", detail=detail))
            if load == _LOADED:
                worst_us = max(worst_us, found.worst)
    load = figures["loads"].get(_LOADED, "")
    return [Row(REACTION, worst_us / 1000, "ms", detail=load), *rows] if worst_us else rows


def _ms(us: float) -> str:
    return f"{us / 1000:.1f}"


def _lateness(figures: Mapping[str, Any]) -> list[Row]:
    rows = []
    for load, measured in figures["measured_us"].items():
        found = distribution(measured["control"] or ())
        if found is None:
            rows.append(Row(f"{load}: control passes", trouble="there were none"))
            continue
        anchor, beside = _anchor(measured)
        passes = f"{found.count} passes: p50 {_ms(found.p50)}, p99 {_ms(found.p99)} ms"
        names = (LATE_P999, LATE_MAX)
        if load != _LOADED:
            names = ("control pass begins late, p99.9, idle", "the same, max, idle")
        pairs = ((found.p999, beside.p999), (found.worst, beside.worst))
        for name, (ours, theirs) in zip(names, pairs, strict=True):
            rows.append(Row(name, ours / 1000, "ms", anchor, theirs / 1000, passes))
    return rows


def _anchor(measured: Mapping[str, Any]) -> tuple[str, Distribution]:
    found = distribution(measured["cyclictest"] or ())
    if found is not None:
        return "cyclictest", found
    plain = distribution(measured["plain"])
    assert plain is not None  # noqa: S101  # it ran as long as the passes did
    return "plain thread (no cyclictest here)", plain


def _http(figures: Mapping[str, Any]) -> list[Row]:
    slices = figures["slices"]
    beside = _slices(slices[_BARE])
    names = {
        "evsed, no credentials": "GET /state, none set",
        "evsed, credentials": STATE,
        "evsed, credentials, never the same twice": "GET /state, never the same bytes twice",
    }
    return [
        Row(shown, _slices(slices[name]), _PER_CPU, _BARE, beside) for name, shown in names.items()
    ]


def _slices(slices: list[Mapping[str, float]]) -> float:
    return sum(one["answers"] for one in slices) / sum(one["cpu_s"] for one in slices)


def _webdav(figures: Mapping[str, Any]) -> list[Row]:
    rows = []
    for question, servers in figures["slices"].items():
        beside = _slices(servers["wsgidav"]) if servers.get("wsgidav") else None
        anchor = "wsgidav" if beside else f"wsgidav: {figures.get('missing') or 'not measured'}"
        rows.append(Row(question, _slices(servers["evsed"]), _PER_CPU, anchor, beside))
    return rows


def _modbus(figures: Mapping[str, Any]) -> list[Row]:
    found = figures["figures"]
    peers = [name for name in found if name.startswith("pymodbus")]
    rows = []
    for place, ours in enumerate(found["evsed, the charger"]):
        count = ours["clients"]
        name = MODBUS if count == 8 else f"Modbus, 12 registers, {count} client"
        beside = _per_cpu_s(found[peers[0]][place]) if peers else None
        anchor = peers[0] if peers else "pymodbus: not installed"
        rows.append(Row(name, _per_cpu_s(ours), _PER_CPU, anchor, beside))
        if "libmodbus" in found:
            c = _per_cpu_s(found["libmodbus"][place])
            rows.append(Row(f"the same, {count}, libmodbus (C)", c, _PER_CPU, anchor, beside))
    missing = figures["missing"].items()
    return [*rows, *(Row(f"Modbus, {name}", trouble=why) for name, why in missing)]


def _per_cpu_s(figure: Mapping[str, float]) -> float:
    return figure["answers"] / max(figure["cpu_s"], 1e-9)


def _metering(figures: list[Mapping[str, Any]]) -> list[Row]:
    judged = [one for one in figures if one["case"]["amperes"] >= 1]
    worst = max(judged, key=lambda one: abs(one["error_percent"]))
    case = worst["case"]
    detail = f"{len(judged)} loads; the worst: {case['amperes']} A, cos φ {case['power_factor']}"
    return [Row("metering from 1 A, worst error", abs(worst["error_percent"]), "%", detail=detail)]


def _resources(figures: Mapping[str, Any]) -> list[Row]:
    anchor, beside = "Python that imports aiohttp", median(figures["anchor_s"])
    rows = []
    for name, key in ((SAFE, "safe_s"), (READY, "ready_s")):
        found = figures[key]
        detail = f"median of {len(found)} starts, worst {max(found):.2f} s"
        rows.append(Row(name, median(found), "s", anchor, beside, detail))
    shares = sum(figures["pss_mb"].values())
    memory = f"resident; with the processes it starts, shared pages divided, {shares:.0f} MB"
    rows.append(Row(MEMORY, figures["rss_mb"], "MB", detail=memory))
    return [*rows, Row(IDLE, figures["idle_share"] * 100, "%")]


_KINDS: Final[Mapping[str, Callable[[Any], list[Row]]]] = {
    "reaction": _reaction,
    "lateness": _lateness,
    "http": _http,
    "webdav": _webdav,
    "modbus": _modbus,
    "metering": _metering,
    "resources": _resources,
}
