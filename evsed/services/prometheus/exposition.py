"""The table of metrics. Pure. Names and base units as Prometheus recommends them.

Source: https://prometheus.io/docs/practices/naming/.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate
from typing import Final

from evsed.charging.snapshot import LATENESS_CLASSES_US, Snapshot
from evsed.charging.states import ChargingState, Fault, Reason, fault_names
from evsed.services.prometheus.sample import Sample
from evsed.services.prometheus.text import Metric, text_of
from evsed.units import amperes, degrees

_PHASES: Final = ("L1", "L2", "L3")
_US: Final = 1e6
_MS: Final = 1000


def exposition(sample: Sample) -> str:
    """Return the text of a scrape."""
    return text_of(metrics(sample))


def metrics(sample: Sample) -> Iterator[Metric]:
    """Yield every metric."""
    now = sample.picture.snapshot
    yield from _about(sample)
    yield from _charging(now)
    yield from _electricity(now)
    yield from _limits(sample)
    yield from _wear(now)
    yield from _loop(now)
    yield from _service(sample)


def _about(sample: Sample) -> Iterator[Metric]:
    facts, board = sample.picture.facts, sample.picture.board
    yield _labelled(
        "evsed_build_info",
        "Version of the program and name of the board",
        ("version", "board"),
        {(facts.version.removeprefix("v"), board.device_name): 1},
    )
    yield _gauge("evsed_uptime_seconds", "Time since the program started", facts.uptime_s)
    yield _gauge("evsed_memory_bytes", "Memory taken by the program", facts.memory.used)


def _charging(now: Snapshot) -> Iterator[Metric]:
    yield _one_of(
        "evsed_state",
        "State of IEC 61851: 1 for the one it is in",
        "state",
        [one.value for one in ChargingState],
        {now.state.value},
    )
    yield _one_of(
        "evsed_reason",
        "Why it is, or is not, charging: 1 for what holds",
        "reason",
        [one.value for one in Reason],
        {now.reason.value},
    )
    yield _one_of(
        "evsed_fault",
        "Faults: 1 for those that are set",
        "fault",
        fault_names(~Fault.NONE),
        set(fault_names(now.faults)),
    )
    yield _gauge("evsed_enabled", "Whether charging is permitted", now.enabled)
    yield _gauge("evsed_available", "Whether the charger is in service", now.available)
    yield _gauge("evsed_session", "Whether a session is running", now.session)
    yield _gauge(
        "evsed_session_seconds", "Time since the vehicle was connected", now.session_time_ms / _MS
    )
    yield _gauge(
        "evsed_session_charging_seconds",
        "Time of this session spent charging",
        now.charging_time_ms / _MS,
    )


def _electricity(now: Snapshot) -> Iterator[Metric]:
    yield _counter("evsed_energy_joules", "Energy over the charger's life", now.total_energy_ws)
    yield _gauge("evsed_session_energy_joules", "Energy of this session", now.session_energy_ws)
    yield _gauge("evsed_power_watts", "Power, sum of the phases", now.power_w)
    yield _labelled(
        "evsed_current_amperes",
        "Current of each phase",
        ("phase",),
        {(phase,): value for phase, value in zip(_PHASES, now.currents_a, strict=True)},
    )
    yield _labelled(
        "evsed_voltage_volts",
        "Voltage of each phase, 0 while the contactor is open",
        ("phase",),
        {(phase,): value for phase, value in zip(_PHASES, now.voltages_v, strict=True)},
    )
    if now.temperature_sensors:
        yield _labelled(
            "evsed_temperature_celsius",
            "Coldest and warmest sensor",
            ("sensor",),
            {
                ("coldest",): degrees(now.temperature_low_cdeg),
                ("warmest",): degrees(now.temperature_high_cdeg),
            },
        )


def _limits(sample: Sample) -> Iterator[Metric]:
    now = sample.picture.snapshot
    yield _gauge(
        "evsed_offered_amperes",
        "What the vehicle is offered, 0 for nothing",
        amperes(now.offered_da),
    )
    yield _gauge(
        "evsed_charging_current_amperes",
        "Charging current set by the user",
        amperes(now.charging_current_da),
    )
    rows = [row for row in sample.limits.get("limits", ()) if row["inForce"] is not None]
    yield _labelled(
        "evsed_limit_amperes",
        "What each owner of a limit permits, 0 for a pause",
        ("owner",),
        {(row["owner"],): row["inForce"] for row in rows},
    )
    yield _labelled(
        "evsed_limit_lapsed",
        "Whether an owner has fallen silent and his fallback is in force",
        ("owner",),
        {(row["owner"],): row["lapsed"] for row in rows},
    )
    yield _labelled(
        "evsed_limited_by",
        "Who holds the charger back",
        ("owner",),
        {(now.limited_by,): 1} if now.limited_by else {},
    )


def _wear(now: Snapshot) -> Iterator[Metric]:
    yield _gauge("evsed_contactor_closed", "Whether the contactor is closed", now.contactor_closed)
    counters = now.counters
    yield _counter("evsed_contactor_closings", "Times it was closed", counters.closings)
    yield _counter("evsed_contactor_openings", "Times it was opened", counters.openings)
    yield _counter(
        "evsed_contactor_loaded_openings", "Openings under load", counters.loaded_openings
    )


def _loop(now: Snapshot) -> Iterator[Metric]:
    late = now.lateness
    ends = [*(f"{end / _US:g}" for end in LATENESS_CLASSES_US), "+Inf"]
    name = "evsed_pass_lateness_seconds"
    found = Metric(
        name, "histogram", "How late control passes began, measured by the control loop itself"
    )
    for end, count in zip(ends, accumulate(late.classes), strict=True):
        found.add(count, {"le": end}, "_bucket")
    found.add(late.sum_us / _US, suffix="_sum")
    found.add(sum(late.classes), suffix="_count")
    yield found
    yield _gauge(
        "evsed_pass_longest_seconds", "What the longest pass took", late.longest_pass_us / _US
    )
    yield _gauge(
        "evsed_real_time", "Whether the control thread has its real-time priority", late.real_time
    )


def _service(sample: Sample) -> Iterator[Metric]:
    yield _labelled(
        "evsed_alarm",
        "What an owner should know although charging goes on",
        ("alarm",),
        {(name,): 1 for name in sample.alarms},
    )
    requests = Metric("evsed_http_requests_total", "counter", "Answers to requests")
    for (method, route, status), count in sorted(sample.requests.items()):
        requests.add(count, {"method": method, "route": route, "status": str(status)})
    yield requests
    yield _labelled(
        "evsed_queue_length",
        "What waits: commands for a control pass, messages for broker and management system",
        ("queue",),
        {(name,): length for name, length in sample.queues.items()},
    )
    yield _labelled(
        "evsed_connected",
        "Whether a connection that is switched on is there: mqtt, ocpp",
        ("to",),
        {(name,): there for name, there in sample.links.items()},
    )
    yield _counter("evsed_mqtt_dropped", "Events the broker was too slow for", sample.mqtt_dropped)


def _gauge(name: str, about: str, value: float) -> Metric:
    found = Metric(name, "gauge", about)
    found.add(value)
    return found


def _counter(name: str, about: str, value: float) -> Metric:
    found = Metric(f"{name}_total", "counter", about)
    found.add(value)
    return found


def _labelled(
    name: str, about: str, labels: tuple[str, ...], values: Mapping[tuple[str, ...], float]
) -> Metric:
    found = Metric(name, "gauge", about)
    for of, value in values.items():
        found.add(value, dict(zip(labels, of, strict=True)))
    return found


def _one_of(name: str, about: str, label: str, words: Iterable[str], now: set[str]) -> Metric:
    return _labelled(name, about, (label,), {(word,): word in now for word in words})
