"""Management systems for the tests, on the ``ocpp`` library's own side of the table.

They keep what they are told the way a billing system would: a message that comes again with its
number is the same message. Wires are in memory, or WebSockets of aiohttp.
"""

import asyncio
import itertools
from contextlib import suppress
from dataclasses import replace

from ocpp import v16, v201
from ocpp.routing import on
from ocpp.v16 import call_result as result16
from ocpp.v16.enums import Action as Action16
from ocpp.v201 import call_result as result201
from ocpp.v201.enums import Action as Action201
from sessions_world import SmallStation

from evsed.charging.states import Reason
from evsed.services.ocpp.dialog import Dialog
from evsed.services.ocpp.moment import as_json, from_json, moment_of, seconds_of, stamp
from evsed.services.ocpp.point import Agreed, Point
from evsed.services.ocpp.shelf import open_book
from evsed.services.ocpp.talk import GoneError, Talk
from evsed.services.ocpp.v16 import Ocpp16
from evsed.services.ocpp.v201 import Ocpp201

DIALECTS = {"1.6": Ocpp16, "2.0.1": Ocpp201}
AGREED = Agreed(
    id_tag="EVSED",
    meter_interval_s=60,
    offline_da=630,
    offline_after_s=120,
    model="sim",
    firmware="0.1.0",
)


class Wire:
    """One end of a connection in memory."""

    def __init__(self):
        self.inbox, self.other = asyncio.Queue(), None
        #: a text with one of these in it never arrives
        self.swallows, self.swallowed = set(), []
        #: the line breaks when one of these texts is sent, and takes it with it
        self.breaks_at = None

    async def send(self, text):
        if self.other is None:
            raise GoneError("the wire is cut")
        if self.breaks_at is not None and self.breaks_at in text:
            self.cut()
            raise GoneError("the wire broke")
        if any(one in text for one in self.swallows):
            self.swallowed.append(text)
        else:
            self.other.inbox.put_nowait(text)

    async def receive(self):
        text = await self.inbox.get()
        if text is None:
            raise GoneError("the wire is cut")
        return text

    recv = receive

    def cut(self):
        for end in (self, self.other):
            if end is not None:
                end.inbox.put_nowait(None)
                end.other = None


def wire():
    """Return both ends of a new connection."""
    one, other = Wire(), Wire()
    one.other, other.other = other, one
    return one, other


class Ledger:
    """What a management system has been told; outlives its connections."""

    def __init__(self):
        self.numbers = itertools.count(1001)
        #: action and words of every message, in the order of arrival, repetitions left out
        self.messages = []
        self._seen = {}
        self.refuses_tokens = {}
        self.boot_status = "Accepted"
        self.interval = 300
        self.clock = lambda: 0.0

    def take(self, action, number, words, answer):
        """Take a message once; return what was answered when it came first."""
        if number in self._seen:
            return self._seen[number]
        self.messages.append((action, words))
        self._seen[number] = made = answer()
        return made

    def of(self, action):
        return [words for told, words in self.messages if told == action]

    def status_of(self, token):
        return self.refuses_tokens.get(token, "Accepted")

    @property
    def now(self):
        return stamp(self.clock())


class Csms16(v16.ChargePoint):
    """A management system of 1.6."""

    def __init__(self, connection, ledger, **more):
        super().__init__("cp", connection, **more)
        self.ledger = ledger

    @on(Action16.boot_notification)
    def boot(self, **words):
        self.ledger.messages.append(("BootNotification", words))
        return result16.BootNotification(
            current_time=self.ledger.now,
            interval=self.ledger.interval,
            status=self.ledger.boot_status,
        )

    @on(Action16.heartbeat)
    def heartbeat(self):
        self.ledger.messages.append(("Heartbeat", {}))
        return result16.Heartbeat(current_time=self.ledger.now)

    @on(Action16.status_notification)
    def status(self, **words):
        self.ledger.messages.append(("StatusNotification", words))
        return result16.StatusNotification()

    @on(Action16.authorize)
    def authorize(self, id_tag):
        self.ledger.messages.append(("Authorize", {"id_tag": id_tag}))
        return result16.Authorize(id_tag_info={"status": self.ledger.status_of(id_tag)})

    @on(Action16.start_transaction)
    def start_transaction(self, call_unique_id, **words):
        return self.ledger.take(
            "StartTransaction",
            call_unique_id,
            words,
            lambda: result16.StartTransaction(
                transaction_id=next(self.ledger.numbers),
                id_tag_info={"status": self.ledger.status_of(words["id_tag"])},
            ),
        )

    @on(Action16.meter_values)
    def meter_values(self, call_unique_id, **words):
        return self.ledger.take("MeterValues", call_unique_id, words, result16.MeterValues)

    @on(Action16.stop_transaction)
    def stop_transaction(self, call_unique_id, **words):
        return self.ledger.take("StopTransaction", call_unique_id, words, result16.StopTransaction)

    @on(Action16.diagnostics_status_notification)
    def diagnostics(self, **words):
        self.ledger.messages.append(("DiagnosticsStatusNotification", words))
        return result16.DiagnosticsStatusNotification()

    @on(Action16.firmware_status_notification)
    def firmware(self, **words):
        self.ledger.messages.append(("FirmwareStatusNotification", words))
        return result16.FirmwareStatusNotification()


class Csms201(v201.ChargePoint):
    """A management system of 2.0.1."""

    def __init__(self, connection, ledger, **more):
        super().__init__("cp", connection, **more)
        self.ledger = ledger

    @on(Action201.boot_notification)
    def boot(self, **words):
        self.ledger.messages.append(("BootNotification", words))
        return result201.BootNotification(
            current_time=self.ledger.now,
            interval=self.ledger.interval,
            status=self.ledger.boot_status,
        )

    @on(Action201.heartbeat)
    def heartbeat(self):
        self.ledger.messages.append(("Heartbeat", {}))
        return result201.Heartbeat(current_time=self.ledger.now)

    @on(Action201.status_notification)
    def status(self, **words):
        self.ledger.messages.append(("StatusNotification", words))
        return result201.StatusNotification()

    @on(Action201.authorize)
    def authorize(self, **words):
        self.ledger.messages.append(("Authorize", words))
        status = self.ledger.status_of(words["id_token"]["id_token"])
        return result201.Authorize(id_token_info={"status": status})

    @on(Action201.transaction_event)
    def event(self, call_unique_id, **words):
        return self.ledger.take("TransactionEvent", call_unique_id, words, self._judged(words))

    def _judged(self, words):
        token = words.get("id_token")
        if token is None:
            return result201.TransactionEvent
        status = self.ledger.status_of(token["id_token"])
        return lambda: result201.TransactionEvent(id_token_info={"status": status})

    @on(Action201.meter_values)
    def meter_values(self, **words):
        self.ledger.messages.append(("MeterValues", words))
        return result201.MeterValues()

    @on(Action201.notify_report)
    def report(self, **words):
        self.ledger.messages.append(("NotifyReport", words))
        return result201.NotifyReport()

    @on(Action201.report_charging_profiles)
    def profiles(self, **words):
        self.ledger.messages.append(("ReportChargingProfiles", words))
        return result201.ReportChargingProfiles()

    @on(Action201.security_event_notification)
    def security(self, **words):
        self.ledger.messages.append(("SecurityEventNotification", words))
        return result201.SecurityEventNotification()

    @on(Action201.notify_customer_information)
    def customer(self, **words):
        self.ledger.messages.append(("NotifyCustomerInformation", words))
        return result201.NotifyCustomerInformation()

    @on(Action201.log_status_notification)
    def log_status(self, **words):
        self.ledger.messages.append(("LogStatusNotification", words))
        return result201.LogStatusNotification()

    @on(Action201.firmware_status_notification)
    def firmware(self, **words):
        self.ledger.messages.append(("FirmwareStatusNotification", words))
        return result201.FirmwareStatusNotification()


SYSTEMS = {"1.6": Csms16, "2.0.1": Csms201}


class ChargerWorld:
    """A charge point on a station of arithmetic, in stepped time."""

    def __init__(self, folder, version="1.6", agreed=AGREED):
        self.folder, self.version, self.agreed = folder, version, agreed
        self.system = "one"
        self.station = SmallStation(folder / "sessions.db").idle()
        self.ledger = Ledger()
        self.ledger.clock = lambda: self.station.wall_s
        self.orders, self.tasks, self.csms, self.socket = [], [], None, None
        self.authorization_required = False
        self.start()

    # --- processes ---

    def start(self):
        """Start the OCPP process."""
        self.book = open_book(self.folder / "ocpp", self.system)
        self.point = Point(self.book, self.agreed, self._order)
        self.talk = Talk(self.point, DIALECTS[self.version]())
        self.look()

    async def kill(self):
        """End it as kill -9 does, and start it again."""
        await self.cut()
        self.book._db.close()
        self.start()

    async def move(self, system, ledger):
        """The owner chooses another management system."""
        self.system = system
        await self.cut()
        self.book.close()
        self.ledger = ledger
        self.ledger.clock = lambda: self.station.wall_s
        self.start()

    async def connect(self):
        """Connect to the management system."""
        ours, theirs = wire()
        self.socket = ours
        dialog = Dialog(ours, self.talk, self._patience)
        self.csms = SYSTEMS[self.version](theirs, self.ledger, response_timeout=20)
        self.tasks = [asyncio.create_task(_quiet(one)) for one in (dialog.run(), self.csms.start())]
        self.talk.attach(dialog)
        await self.pump()

    def _patience(self, action):
        """What gets lost is not waited for; for the rest a busy machine has the time it needs."""
        swallows = set() if self.socket is None else self.socket.swallows
        return 0.01 if swallows & {"[2,", f'"{action}"'} else 60.0

    async def cut(self):
        """The connection ends."""
        if self.socket is not None:
            self.socket.cut()
            self.socket = None
            await asyncio.gather(*self.tasks)
        self.talk.detach()

    # --- time ---

    def look(self):
        station = self.station
        moment = moment_of(
            station.snapshot,
            wall_s=station.wall_s,
            clock_set=station.clock_set,
            boot=station.boot,
        )
        self.point.look(from_json(as_json(moment)))

    async def pump(self):
        try:
            await self.talk.pump()
        except GoneError:
            await self.cut()

    async def run(self, seconds, step_s=1):
        for _ in range(round(seconds / step_s)):
            self.station.step(round(step_s * 1000))
            self.look()
            await self.pump()
        return self

    async def ask(self, payload):
        """Have the management system ask for something; return the answer."""
        answer = await self.csms.call(payload, suppress=False)
        self.look()
        await self.pump()
        return answer

    # --- the charger ---

    def plug(self):
        self.station.plug(pending_auth=self.authorization_required)
        if self.authorization_required and self.point.grant is not None:
            self.station.show(pending_auth=False)

    def _order(self, order):
        if order["t"] != "limit":
            self.orders.append(order)
        match order["t"]:
            case "authorize" if self.station.snapshot.session:
                self.station.show(pending_auth=False)
            case "available":
                self.station.show(available=order["on"])
            case "limit":
                self.limit = (order["current"], order["fallback"])
                charging = self.station.snapshot.contactor_closed
                if order["current"] == 0 and charging:
                    self.station.pause(Reason.PAUSED_BY_LIMIT)


async def _quiet(work):
    with suppress(GoneError):
        await work


def times(messages):
    """Return when messages say that something happened."""
    return [seconds_of(words["timestamp"]) for words in messages]


def offline(**more):
    """Return an agreement with a dead-man current."""
    return replace(AGREED, **more)
