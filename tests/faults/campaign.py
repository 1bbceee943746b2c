"""The rows of the campaign: faults, what the charger does, and the tests that prove it.

Each proof names the edit that takes the behavior away; with it the test must fail. The edits are
applied to a copy of the tree only: ``python -m tests.faults --removed``.
"""

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Edit:
    """Takes one behavior out of one file.

    Args:
        file: below the root of the tree.
        old: occurs exactly once.
        new: what stands there instead.
    """

    file: str
    old: str
    new: str

    def removed_from(self, text: str) -> str:
        """Return the text without the behavior.

        Raises:
            ValueError: the behavior is not where it was; the edit must follow the code.
        """
        if text.count(self.old) != 1:
            raise ValueError(f"{self.file}: {self.old!r} occurs {text.count(self.old)} times")
        return text.replace(self.old, self.new)


@dataclass(frozen=True)
class Proof:
    """One behavior and its test.

    Args:
        behavior: what the charger does, as an owner would say it.
        test: file::name below ``tests``, with the parameters of one case if it has any.
        edit: without it the test fails.
    """

    behavior: str
    test: str
    edit: Edit

    @property
    def file(self) -> Path:
        return ROOT / "tests" / self.test.partition("::")[0]

    @property
    def function(self) -> str:
        return self.test.partition("::")[2].partition("[")[0]


@dataclass(frozen=True)
class Row:
    """One fault.

    Args:
        fault: what happens.
        charging: "goes on" or "stopped safely".
        told: where an owner learns of it; empty where nothing is due.
        proofs: at least one.
    """

    fault: str
    charging: str
    told: str
    proofs: tuple[Proof, ...]


STORIES = "daemon/test_fault_stories.py"
_DEAD_MAN = Edit("evsed/hardware/pi/dead_man.py", "{' '.join(actions)} halt", "halt")
_MOST = Edit(
    "evsed/services/http/connections.py",
    "MAX_CONNECTIONS: Final = 128",
    "MAX_CONNECTIONS: Final = 100_000",
)

ROWS = (
    Row(
        "kill -9",
        "stopped safely",
        "log of the guard",
        (
            Proof(
                "the script inside the pin daemon opens the contactor",
                "daemon/test_daemon_dead_man.py"
                "::test_a_killed_daemon_leaves_an_open_contactor_within_600_ms",
                _DEAD_MAN,
            ),
            Proof(
                "the guard opens it at once, and says so",
                "daemon/test_daemon_guard.py"
                "::test_the_end_of_the_daemon_opens_the_contactor_at_once",
                Edit(
                    "systemd/failsafe/guard.py",
                    'self._act(client, "the daemon has gone")',
                    "return",
                ),
            ),
            Proof(
                "the next start goes on with the same session",
                "daemon/test_daemon_sessions.py"
                "::test_a_session_goes_on_after_kill_9_and_is_not_doubled",
                Edit(
                    "evsed/services/sessions/tracker.py",
                    "        self.record = resumed\n",
                    "        self.record = None\n",
                ),
            ),
        ),
    ),
    Row(
        "SIGSTOP",
        "stopped safely",
        "error controller_fault, log",
        (
            Proof(
                "the script inside the pin daemon opens the contactor",
                "daemon/test_daemon_dead_man.py"
                "::test_a_stopped_daemon_leaves_an_open_contactor_within_600_ms",
                _DEAD_MAN,
            ),
            Proof(
                "the guard opens it when it hears nothing",
                "daemon/test_daemon_guard.py::test_silence_opens_the_contactor",
                Edit(
                    "systemd/failsafe/guard.py",
                    'self._act(client, "the daemon is silent")',
                    "return",
                ),
            ),
            Proof(
                "even a short stop is a fault that is shown",
                "daemon/test_daemon_dead_man.py"
                "::test_a_short_stop_that_the_dead_man_does_not_see_is_a_fault_too",
                Edit(
                    "evsed/station/control_pass.py",
                    "self.energized and late_ms > TOO_LATE_MS",
                    "False",
                ),
            ),
            Proof(
                "it charges again by itself",
                f"{STORIES}"
                "::test_a_daemon_frozen_while_charging_says_so_and_charges_again_by_itself",
                Edit(
                    "evsed/hardware/pi/dead_man.py",
                    "if state == HALTED and self._running:",
                    "if False:",
                ),
            ),
        ),
    ),
    Row(
        "pigpiod gone and back",
        "stopped safely",
        "state F with a sentence, log",
        (
            Proof(
                "the script inside the pin daemon opens the contactor",
                "daemon/test_daemon_endings.py"
                "::test_a_pin_daemon_that_goes_away_leaves_the_contactor_to_the_dead_man",
                _DEAD_MAN,
            ),
            Proof(
                "a pin daemon that hangs is noticed, not waited for",
                "daemon/test_daemon_endings.py::test_a_stalled_pin_daemon_is_noticed_within_200_ms",
                Edit(
                    "evsed/hardware/pi/link.py",
                    "_CONTROL_TIMEOUT_S: Final = 0.1",
                    "_CONTROL_TIMEOUT_S: Final = 30.0",
                ),
            ),
            Proof(
                "it is told while it is away, and charging begins again when it is back",
                f"{STORIES}::test_a_pin_daemon_that_goes_while_charging_and_comes_back",
                Edit(
                    "evsed/ending.py",
                    "await asyncio.sleep(_HARDWARE_AGAIN_S)",
                    "await asyncio.sleep(86_400)",
                ),
            ),
        ),
    ),
    Row(
        "SPI error",
        "stopped safely",
        "error controller_fault, log",
        (
            Proof(
                "a converter without answers opens the contactor and is shown",
                f"{STORIES}::test_spi_errors_while_charging_open_the_contactor_until_they_are_over",
                Edit(
                    "evsed/charging/causes.py",
                    "found = Fault.CONTROLLER_FAULT\n",
                    "found = Fault.NONE\n",
                ),
            ),
            Proof(
                "it charges again when the converter answers",
                f"{STORIES}::test_spi_errors_while_charging_open_the_contactor_until_they_are_over",
                Edit("evsed/charging/faults.py", "            bits &= ~bit\n", ""),
            ),
        ),
    ),
    Row(
        "USB serial unplugged",
        "goes on",
        "alarm meter_lost, where a meter hangs on it; log",
        (
            Proof(
                "the charge goes on with another source of energy, and an alarm",
                "daemon/test_external_meter.py"
                "::test_a_meter_on_a_serial_line_counts_and_what_is_offered_stands_in_for_it",
                Edit(
                    "evsed/station/meters.py",
                    "_LOST: Final = (MeterAlarm.METER_LOST,)",
                    "_LOST: Final = ()",
                ),
            ),
            Proof(
                "the port is opened again when the adapter is back",
                "daemon/test_serial_ports.py"
                "::test_an_unplugged_device_costs_nothing_and_comes_back[at]",
                Edit(
                    "evsed/services/serial/managed_port.py",
                    "await self._pause(line, HardwareError(why), failures)",
                    "await asyncio.sleep(86_400)",
                ),
            ),
        ),
    ),
    Row(
        "disk full",
        "goes on",
        "alarms energy_not_saved and sessions_not_saved, log",
        (
            Proof(
                "it is told while it lasts",
                "daemon/test_daemon_sessions.py::test_a_full_disk_is_told_and_charging_goes_on",
                Edit(
                    "evsed/station/alarms.py",
                    "        self._failure = why\n",
                    "        self._failure = None\n",
                ),
            ),
            Proof(
                "what was not written is written when there is room",
                "daemon/test_daemon_sessions.py::test_a_full_disk_is_told_and_charging_goes_on",
                Edit(
                    "evsed/station/keeper.py",
                    "self._ledger_pause = _LEDGER_PAUSE_ROUNDS",
                    "self._ledger_pause = 10**9",
                ),
            ),
        ),
    ),
    Row(
        "clock set by ± 10 years",
        "goes on",
        "log",
        (
            Proof(
                "what charges does not know the wall clock",
                "unit/station/test_station_clock_jumps.py"
                "::test_a_session_is_as_long_as_it_was_whatever_the_wall_clock_does[315360000]",
                Edit(
                    "evsed/station/loop.py",
                    "return time.monotonic_ns() // 1_000_000",
                    "return time.time_ns() // 1_000_000",
                ),
            ),
            Proof(
                "the session that is kept is as long as it was",
                f"{STORIES}"
                "::test_a_clock_set_by_ten_years_while_charging_changes_nothing_but_the_date[10]",
                Edit(
                    "evsed/services/sessions/tracker.py",
                    "now.at_ms - record.began_ms)\n        if same:",
                    "round(around.wall_s - record.start_s) * 1000)\n        if same:",
                ),
            ),
        ),
    ),
    Row(
        "another address by DHCP",
        "goes on",
        "log",
        (
            Proof(
                "the new address is answered and announced, without a restart",
                f"{STORIES}::test_an_address_that_changes_while_charging_is_answered_and_announced",
                Edit(
                    "evsed/services/discovery/service.py",
                    "                if await asyncio.to_thread(offer.addresses) == addresses:\n",
                    "                if addresses:\n",
                ),
            ),
        ),
    ),
    Row(
        "broker away",
        "goes on, at the fallback",
        "output of the script; alarm manager_silent when the script is gone as well; log",
        (
            Proof(
                "the script falls back",
                f"{STORIES}"
                "::test_a_broker_that_goes_while_charging_leaves_the_fallback_until_it_is_back",
                Edit(
                    "docs/scripts/fallback/fallback.lua",
                    "                    evse.setchargingcurrent(params.amps)\n",
                    "",
                ),
            ),
            Proof(
                "commands count again when the broker is back",
                f"{STORIES}"
                "::test_a_broker_that_goes_while_charging_leaves_the_fallback_until_it_is_back",
                Edit(
                    "evsed/host/mqtt/client.py",
                    "self._alarm = self._loop.call_later(pause_s, self._attempt)",
                    "self._alarm = None",
                ),
            ),
            Proof(
                "without its script the limit falls back all the same",
                "unit/services/script/test_script_leases.py::test_a_worker_that_dies_falls_back",
                Edit(
                    "evsed/charging/owned_limits.py",
                    "replace(one, lapsed=True, until_ms=None) if one.owner in gone else one",
                    "one",
                ),
            ),
        ),
    ),
    Row(
        "500 idle connections",
        "goes on",
        "log",
        (
            Proof(
                "the oldest are closed, nobody else notices",
                f"{STORIES}::test_500_idle_connections_keep_nobody_from_charging_or_asking",
                _MOST,
            ),
        ),
    ),
    Row(
        "slow readers",
        "goes on",
        "log",
        (
            Proof(
                "readers that do not read hold no more than their share",
                f"{STORIES}::test_readers_that_do_not_read_disturb_nobody",
                _MOST,
            ),
            Proof(
                "who does not read for a minute is disconnected",
                "unit/services/http/test_door_crowds.py::test_who_does_not_read_is_disconnected",
                Edit(
                    "evsed/services/http/connection.py",
                    "return Waits.READER",
                    "return Waits.US",
                ),
            ),
            Proof(
                "an event stream that is not read is dropped at 64 kB",
                "unit/services/test_event_hub.py"
                "::test_a_client_that_does_not_read_is_dropped_after_its_backlog",
                Edit(
                    "evsed/services/rest/event_hub.py",
                    "if self._size + len(data) > MAX_BACKLOG_BYTES:",
                    "if False:",
                ),
            ),
        ),
    ),
)
