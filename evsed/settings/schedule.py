"""What the user chose for the clock and for actions by the hour. Source: rest.md section 7."""

import ipaddress
import re
from dataclasses import dataclass, replace
from typing import Any, Final

from evsed.board.description import Board
from evsed.errors import RejectedError
from evsed.settings.fields import flag, settings_of, text, whole, word
from evsed.settings.section import Remarks, Section, apply_patch, known_part, wire_object
from evsed.settings.time_zone import SYSTEM_DEFAULT, system_zone, zone
from evsed.settings.windows import (
    ALL_WEEK,
    Window,
    hours_of,
    minutes_of,
    read_windows,
    wire_windows,
    within,
)

MAX_SCHEDULES: Final = 64
ALL_DAY: Final = 0xFF_FFFF
_HOST: Final = re.compile(r"(?!-)[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?")


def _hours(day: str) -> Any:
    return whole(0, low=0, high=ALL_DAY, about=f"hours of {day}: bit 0 is 00:00 to 01:00")


@dataclass(frozen=True, slots=True, kw_only=True)
class HourMasks:
    """One action, and the hours of the week in which it is on: 24 bits for each day."""

    action: str = word(
        "enable",
        words=("enable", "available", "ch_cur_6a", "ch_cur_8a", "ch_cur_10a"),
        about="what is done",
    )
    mon: int = _hours("Monday")
    tue: int = _hours("Tuesday")
    wed: int = _hours("Wednesday")
    thu: int = _hours("Thursday")
    fri: int = _hours("Friday")
    sat: int = _hours("Saturday")
    sun: int = _hours("Sunday")

    @property
    def days(self) -> tuple[int, ...]:
        """The masks, Monday's first."""
        return (self.mon, self.tue, self.wed, self.thu, self.fri, self.sat, self.sun)


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule(HourMasks):
    """One scheduled action; where there are windows, the masks show the whole hours in them."""

    windows: tuple[Window, ...] = ()

    def active(self, weekday: int, minute: int) -> bool:
        """Tell whether the action is on in a minute of a day; Monday is 0."""
        if self.windows:
            return within(self.windows, weekday, minute)
        return bool(self.days[weekday] >> minute // 60 & 1)

    @property
    def changes(self) -> bool:
        """Whether it is ever on and ever off."""
        if self.windows:
            return minutes_of(self.windows) != ALL_WEEK
        return self.days not in {(0,) * 7, (ALL_DAY,) * 7}


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockSettings:
    """The keys of /config/scheduler that have one value each."""

    ntp_enabled: bool = flag(True, about="set the clock from the network")
    ntp_server: str = text("pool.ntp.org", high=63, about="name or address of a time server")
    ntp_from_dhcp: bool = flag(False, about="take the time server from DHCP")
    timezone: str = text(
        SYSTEM_DEFAULT, low=1, high=63, about="name such as Europe/Prague, or POSIX rule"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SchedulerSettings(ClockSettings):
    """All keys of /config/scheduler, in its order."""

    schedules: tuple[Schedule, ...] = ()


CLOCK: Final = settings_of(ClockSettings)
SCHEDULE: Final = settings_of(HourMasks)
_SCHEDULES: Final = "schedules"
WINDOWS: Final = "windows"
_KEYS: Final = (*CLOCK, _SCHEDULES)


def patched_scheduler(before: SchedulerSettings, patch: object) -> SchedulerSettings:
    """Return the settings with the known keys of a patch applied; a list is replaced as a whole.

    Raises:
        RejectedError: names the key and what is permitted.
    """
    known = known_part(patch, dict.fromkeys(_KEYS))
    schedules = before.schedules
    if _SCHEDULES in known:
        schedules = _read_schedules(known.pop(_SCHEDULES))
    after = apply_patch(before, known, CLOCK) if known else before
    check_clock(after)
    return replace(after, schedules=schedules)


def check_clock(settings: ClockSettings) -> None:
    """Judge server and time zone.

    Raises:
        RejectedError: names the key and what is permitted.
    """
    server = settings.ntp_server
    if server and not _is_host(server):
        raise RejectedError("a host name or an address is expected", key="ntpServer")
    if settings.ntp_enabled and not settings.ntp_from_dhcp and not server:
        wanted = "a server is expected while ntpEnabled is true and ntpFromDhcp false"
        raise RejectedError(wanted, key="ntpServer")
    try:
        zone(settings.timezone)
    except RejectedError as error:
        raise RejectedError(error.reason, key="timezone") from None


def wire_scheduler(settings: SchedulerSettings) -> dict[str, Any]:
    """Return the object interfaces show."""
    schedules = [_wire_schedule(one) for one in settings.schedules]
    return {**wire_object(settings, CLOCK), _SCHEDULES: schedules}


def _read_schedules(value: object) -> tuple[Schedule, ...]:
    if not isinstance(value, list) or len(value) > MAX_SCHEDULES:
        wanted = f"an array of at most {MAX_SCHEDULES} objects is expected"
        raise RejectedError(wanted, key=_SCHEDULES)
    return tuple(_read_schedule(f"{_SCHEDULES}[{n}]", entry) for n, entry in enumerate(value))


def _read_schedule(where: str, entry: object) -> Schedule:
    if not isinstance(entry, dict) or "action" not in entry:
        raise RejectedError("an object with an action is expected", key=where)
    windows = read_windows(f"{where}.{WINDOWS}", entry.get(WINDOWS, []))
    if windows:
        entry = {**entry, **hours_of(windows)}
    try:
        return apply_patch(Schedule(windows=windows), entry, SCHEDULE)
    except RejectedError as error:
        key = f"{where}.{error.key}" if error.key else where
        raise RejectedError(error.reason, key=key) from None


def _wire_schedule(schedule: Schedule) -> dict[str, Any]:
    """Return a schedule; one by the hour looks as the API has it."""
    windows = {WINDOWS: wire_windows(schedule.windows)} if schedule.windows else {}
    return {**wire_object(schedule, SCHEDULE), **windows}


def _is_host(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return bool(_HOST.fullmatch(text)) and not text.replace(".", "").isdigit()
    return True


def _default(_board: Board) -> SchedulerSettings:
    return SchedulerSettings(timezone=system_zone())


def _restored(kept: Any, board: Board) -> tuple[SchedulerSettings, Remarks]:
    """Return what was kept; a zone the data base has lost since becomes the system's."""
    before = _default(board)
    if not kept:
        return before, ()
    try:
        return patched_scheduler(before, kept), ()
    except RejectedError as error:
        if error.key != "timezone":
            raise
        remark = f"timezone: {error.reason}; {before.timezone} is in force"
        return patched_scheduler(before, {**kept, "timezone": before.timezone}), (remark,)


SCHEDULER: Final[Section[SchedulerSettings]] = Section(
    name="scheduler",
    default=_default,
    patched=lambda before, patch, _board: patched_scheduler(before, patch),
    shown=wire_scheduler,
    kept=wire_scheduler,
    restored=_restored,
    keys=_KEYS,
)
