"""What a management system may look up and change: one table for both versions of OCPP.

1.6 calls them configuration keys, 2.0.1 variables of components. What it changes is kept in the
book. Source: OCPP 1.6 section 9, security whitepaper section 5; OCPP 2.0.1 part 2 appendix 3.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from evsed.services.ocpp import profiles
from evsed.services.ocpp.book import Book

READ: Final = "ReadOnly"
BOTH: Final = "ReadWrite"
WRITE: Final = "WriteOnly"

MEASURANDS: Final = (
    "Energy.Active.Import.Register",
    "Power.Active.Import",
    "Current.Import",
    "Current.Offered",
    "Voltage",
)
LIST_MOST: Final = 1000
LIST_AT_ONCE: Final = 200
KEYS_AT_ONCE: Final = 50
_MOST_BYTES: Final = 65_536

#: Answers to a change, in the words of 1.6.
ACCEPTED: Final = "Accepted"
REJECTED: Final = "Rejected"
UNKNOWN: Final = "NotSupported"
REBOOT: Final = "RebootRequired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """One of them.

    Args:
        key: the name of 1.6; empty: it has none.
        component, variable, instance: the names of 2.0.1; empty: it has none.
        default: until it is changed; of what is read only, what it is.
        access: ``READ``, ``BOTH`` or ``WRITE``.
        kind: ``boolean``, ``integer``, ``string`` or ``MemberList``.
        low, high: of an integer.
        never: 0 is permitted as well, and means never.
        later: a change counts from the next start.
        words: of a list.
    """

    key: str = ""
    component: str = ""
    variable: str = ""
    instance: str = ""
    default: str = ""
    access: str = READ
    kind: str = "string"
    low: int = 0
    high: int = 0
    never: bool = False
    later: bool = False
    words: tuple[str, ...] = ()

    def accepts(self, text: str) -> bool:
        """Tell whether a value is permitted."""
        if self.kind == "boolean":
            return text.lower() in {"true", "false"}
        if self.kind == "integer":
            short = text.strip().lstrip("+-").isdecimal() and len(text) <= 10
            if not short:
                return False
            return self.low <= int(text) <= self.high or (self.never and int(text) == 0)
        if self.kind == "MemberList":
            return all(one.strip() in self.words for one in text.split(",") if one.strip())
        return True

    @property
    def name(self) -> str:
        """What it is kept under."""
        return self.key or f"{self.component}.{self.variable}"


def _named(key: str, place: str, **more: Any) -> Variable:
    """Return one by its key and its component, variable and instance, with dots between."""
    component, variable, instance = (*place.split("."), "", "")[:3]
    return Variable(key=key, component=component, variable=variable, instance=instance, **more)


def _flag(key: str, place: str, default: str, access: str = BOTH) -> Variable:
    return _named(key, place, default=default, access=access, kind="boolean")


def _whole(
    key: str, place: str, default: int, low: int, high: int, *, never: bool = False
) -> Variable:
    return _named(
        key,
        place,
        default=str(default),
        access=BOTH,
        kind="integer",
        low=low,
        high=high,
        never=never,
    )


def _fixed(key: str, place: str, value: object, kind: str = "string") -> Variable:
    return _named(key, place, default=str(value), kind=kind)


def _list(key: str, place: str, default: Sequence[str] = MEASURANDS) -> Variable:
    return _named(
        key,
        place,
        default=",".join(default),
        access=BOTH,
        kind="MemberList",
        words=MEASURANDS,
    )


HEARTBEAT: Final = "HeartbeatInterval"
METER_INTERVAL: Final = "MeterValueSampleInterval"
ALIGNED_INTERVAL: Final = "ClockAlignedDataInterval"
ALIGNED: Final = "MeterValuesAlignedData"
SAMPLED: Final = "MeterValuesSampledData"
ATTEMPTS: Final = "TransactionMessageAttempts"
RETRY: Final = "TransactionMessageRetryInterval"
LOCAL_OFFLINE: Final = "LocalAuthorizeOffline"
PRE_AUTHORIZE: Final = "LocalPreAuthorize"
UNKNOWN_OFFLINE: Final = "AllowOfflineTxForUnknownId"
CACHE: Final = "AuthorizationCacheEnabled"
LIST: Final = "LocalAuthListEnabled"
REMOTE_AUTHORIZE: Final = "AuthorizeRemoteTxRequests"
STOP_ON_INVALID: Final = "StopTransactionOnInvalidId"
PING: Final = "WebSocketPingInterval"
PASSWORD: Final = "AuthorizationKey"  # noqa: S105  # a name, not a secret
PROFILE: Final = "SecurityProfile"

_FEATURES: Final = "Core,FirmwareManagement,LocalAuthListManagement,RemoteTrigger,SmartCharging"
#: In the order they are reported.
VARIABLES: Final = (
    _whole(HEARTBEAT, "OCPPCommCtrlr.HeartbeatInterval", 300, 0, 86_400),
    replace(_whole(PING, "OCPPCommCtrlr.WebSocketPingInterval", 30, 0, 3600), later=True),
    _whole(ATTEMPTS, "OCPPCommCtrlr.MessageAttempts.TransactionEvent", 5, 1, 100),
    _whole(RETRY, "OCPPCommCtrlr.MessageAttemptInterval.TransactionEvent", 60, 0, 86_400),
    _fixed("", "OCPPCommCtrlr.MessageTimeout.Default", 30, "integer"),
    _fixed("", "OCPPCommCtrlr.FileTransferProtocols", "HTTP,HTTPS"),
    _flag("", "OCPPCommCtrlr.UnlockOnEVSideDisconnect", "true", READ),
    _fixed("", "OCPPCommCtrlr.NetworkConfigurationPriority", "1"),
    _fixed("", "OCPPCommCtrlr.OfflineThreshold", 60, "integer"),
    _fixed("", "OCPPCommCtrlr.NetworkProfileConnectionAttempts", 3, "integer"),
    _fixed("", "OCPPCommCtrlr.ResetRetries", 1, "integer"),
    _fixed("ResetRetries", "", 1, "integer"),
    _flag("", "AuthCtrlr.AuthorizeRemoteStart", "true", READ),
    _flag(REMOTE_AUTHORIZE, "", "true"),
    _flag(LOCAL_OFFLINE, "AuthCtrlr.LocalAuthorizeOffline", "true"),
    _flag(PRE_AUTHORIZE, "AuthCtrlr.LocalPreAuthorize", "false"),
    _flag(UNKNOWN_OFFLINE, "AuthCtrlr.OfflineTxForUnknownIdEnabled", "false"),
    _flag(CACHE, "AuthCacheCtrlr.Enabled", "true"),
    _flag(STOP_ON_INVALID, "TxCtrlr.StopTxOnInvalidId", "true"),
    _flag("StopTransactionOnEVSideDisconnect", "TxCtrlr.StopTxOnEVSideDisconnect", "true", READ),
    _flag("UnlockConnectorOnEVSideDisconnect", "", "true", READ),
    _fixed("ConnectionTimeOut", "TxCtrlr.EVConnectionTimeOut", 60, "integer"),
    _fixed("", "TxCtrlr.TxStartPoint", "PowerPathClosed"),
    _fixed("", "TxCtrlr.TxStopPoint", "EVConnected,Authorized"),
    _whole(METER_INTERVAL, "SampledDataCtrlr.TxUpdatedInterval", 60, 5, 86_400, never=True),
    _list(SAMPLED, "SampledDataCtrlr.TxUpdatedMeasurands"),
    _fixed("", "SampledDataCtrlr.TxStartedMeasurands", MEASURANDS[0]),
    _fixed("", "SampledDataCtrlr.TxEndedMeasurands", MEASURANDS[0]),
    _fixed("", "SampledDataCtrlr.TxEndedInterval", 0, "integer"),
    _whole(ALIGNED_INTERVAL, "AlignedDataCtrlr.Interval", 0, 5, 86_400, never=True),
    _list(ALIGNED, "AlignedDataCtrlr.Measurands", MEASURANDS[:1]),
    _fixed("StopTxnAlignedData", "AlignedDataCtrlr.TxEndedMeasurands", ""),
    _fixed("", "AlignedDataCtrlr.TxEndedInterval", 0, "integer"),
    _fixed("StopTxnSampledData", "", ""),
    _flag(LIST, "LocalAuthListCtrlr.Enabled", "true"),
    _fixed("LocalAuthListMaxLength", "", LIST_MOST, "integer"),
    _fixed("SendLocalListMaxLength", "LocalAuthListCtrlr.ItemsPerMessage", LIST_AT_ONCE, "integer"),
    _fixed("", "LocalAuthListCtrlr.BytesPerMessage", _MOST_BYTES, "integer"),
    _fixed("", "LocalAuthListCtrlr.Entries", 0, "integer"),
    _fixed(
        "ChargeProfileMaxStackLevel",
        "SmartChargingCtrlr.ProfileStackLevel",
        profiles.MAX_STACK_LEVEL,
        "integer",
    ),
    _fixed("ChargingScheduleAllowedChargingRateUnit", "", "Current,Power"),
    _fixed("", "SmartChargingCtrlr.RateUnit", "A,W"),
    _fixed(
        "ChargingScheduleMaxPeriods",
        "SmartChargingCtrlr.PeriodsPerSchedule",
        profiles.MAX_PERIODS,
        "integer",
    ),
    _fixed(
        "MaxChargingProfilesInstalled",
        "SmartChargingCtrlr.Entries",
        profiles.MAX_PROFILES,
        "integer",
    ),
    _fixed("ConnectorPhaseRotation", "", "NotApplicable"),
    _fixed("GetConfigurationMaxKeys", "", KEYS_AT_ONCE, "integer"),
    _fixed("NumberOfConnectors", "", 1, "integer"),
    _fixed("SupportedFeatureProfiles", "", _FEATURES),
    *(
        _fixed("", f"DeviceDataCtrlr.{what}PerMessage.{action}", most, "integer")
        for action in ("GetReport", "GetVariables", "SetVariables")
        for what, most in (("Items", KEYS_AT_ONCE), ("Bytes", _MOST_BYTES))
    ),
    _fixed("", "ClockCtrlr.DateTime", ""),
    _fixed("", "ClockCtrlr.TimeSource", "NTP,Heartbeat"),
    _fixed("", "SecurityCtrlr.OrganizationName", "evsed"),
    _fixed("", "SecurityCtrlr.CertificateEntries", 0, "integer"),
    _fixed("", "ChargingStation.SupplyPhases", 3, "integer"),
    _fixed("", "ChargingStation.AvailabilityState", "Available"),
    _fixed("", "EVSE.AvailabilityState", "Available"),
    _fixed("", "EVSE.SupplyPhases", 3, "integer"),
    _fixed("", "EVSE.Power", 0, "decimal"),
    _fixed("", "Connector.AvailabilityState", "Available"),
    _fixed("", "Connector.SupplyPhases", 3, "integer"),
    _fixed("", "Connector.ConnectorType", "sType2"),
    *(
        _flag("", f"{one}.Available", "true", READ)
        for one in ("ChargingStation", "EVSE", "Connector")
    ),
    _fixed(PROFILE, "SecurityCtrlr.SecurityProfile", 0, "integer"),
    Variable(key=PASSWORD, component="SecurityCtrlr", variable="BasicAuthPassword", access=WRITE),
)
BY_KEY: Final[Mapping[str, Variable]] = {one.key: one for one in VARIABLES if one.key}
BY_PLACE: Final[Mapping[tuple[str, str, str], Variable]] = {
    (one.component, one.variable, one.instance): one for one in VARIABLES if one.component
}
_KEYS: Final = {key.casefold(): one for key, one in BY_KEY.items()}
_PLACES: Final = {tuple(word.casefold() for word in place): one for place, one in BY_PLACE.items()}
COMPONENTS: Final = frozenset(component for component, _, _ in _PLACES)


def by_key(key: str) -> Variable | None:
    """Return the variable of a key; letters may be written either way (OCPP 1.6 section 7.16)."""
    return _KEYS.get(key.casefold())


def by_place(component: str, variable: str, instance: str = "") -> Variable | None:
    """Return a variable by the names of 2.0.1; without an instance the first there is."""
    place = component.casefold(), variable.casefold()
    found = _PLACES.get((*place, instance.casefold()))
    if found is not None or instance:
        return found
    return next((one for names, one in _PLACES.items() if names[:2] == place), None)


class Variables:
    """Their values.

    Args:
        book: where changes are kept.
        now: values that are found out when they are asked for, by name.
        set_password: takes a new password of the connection.
    """

    def __init__(
        self,
        book: Book,
        now: Mapping[str, Callable[[], object]],
        set_password: Callable[[str], bool],
    ) -> None:
        self._book, self._now, self._set_password = book, now, set_password

    def text(self, variable: Variable) -> str:
        """Return a value as it is sent."""
        found = self._now.get(variable.name)
        if variable.access == READ:
            return variable.default if found is None else str(found())
        default = variable.default if found is None else str(found())
        return self._book.note(f"variable {variable.name}", default)

    def whole(self, key: str) -> int:
        """Return a number."""
        return int(self.text(BY_KEY[key]))

    def on(self, key: str) -> bool:
        """Return a truth value."""
        return self.text(BY_KEY[key]).lower() == "true"

    def words(self, key: str) -> list[str]:
        """Return what is in a list."""
        return [one.strip() for one in self.text(BY_KEY[key]).split(",") if one.strip()]

    def change(self, variable: Variable | None, text: str) -> str:
        """Change one; return one of the answers."""
        if variable is None:
            return UNKNOWN
        if variable.access == READ or not variable.accepts(text):
            return REJECTED
        if variable.key == PASSWORD:
            return ACCEPTED if self._set_password(text) else REJECTED
        before = self.text(variable)
        self.keep(variable, text.strip())
        return REBOOT if variable.later and self.text(variable) != before else ACCEPTED

    def keep(self, variable: Variable, text: str) -> None:
        """Keep a value."""
        self._book.set_note(f"variable {variable.name}", text)
