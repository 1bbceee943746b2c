"""Builds the daemon, starts it, takes it down in reverse order. Reads like a parts list."""

import asyncio
from contextlib import AsyncExitStack, ExitStack

from evsed.attendance import attend
from evsed.building import Options, Parts, build
from evsed.ending import FAILED, End, until_the_end
from evsed.factory_reset import reset_if_asked
from evsed.hardware.real_time import EVENT_LOOP, ask_real_time
from evsed.host.machine import Machine
from evsed.host.service_manager import ServiceManager
from evsed.interfaces import Service, services
from evsed.operations.operations import Operations
from evsed.services.sessions.service import SessionsService
from evsed.settings.reset import Reset
from evsed.supervision import (
    collect_garbage,
    garbage_by_appointment,
    note_alarms,
    note_control_thread,
    note_real_time,
    short_work_first,
    supervise,
)
from evsed.surroundings import Surroundings, surroundings


async def serve(options: Options) -> int:
    """Run the daemon until a signal, a request or a failure ends it; return its exit status.

    Raises:
        BadFileError: the administrator's file is not what it should be.
    """
    end = End()
    with ExitStack() as stack:
        # From now on: a signal during the start ends what has been started, in order.
        stack.enter_context(end.on_signals())
        reset = reset_if_asked(options.state_dir)
        built = build(options, stack)
        status = await _run(built, end, reset)
        if status == FAILED and built.station.maintenance is None:
            options.log.ended(status)
        return status


async def _run(built: Parts, end: End, reset: Reset | None) -> int:
    station = built.station
    refused = ask_real_time(EVENT_LOOP)
    short_work_first()
    around = surroundings(
        built.administrator, built.options.state_dir, simulated=built.simulator is not None
    )
    operations = _operations(built, around)
    sessions = SessionsService(operations, built.options.state_dir)
    manager, listening = ServiceManager(), asyncio.Event()
    offered = services(built, operations, around, sessions, listening)
    if reset is not None:
        offered = (*offered, Service("factory reset", operations.network.forget))
    async with AsyncExitStack() as running:
        running.enter_context(garbage_by_appointment())
        running.push_async_callback(built.settings.flush)
        sessions.start()
        running.push_async_callback(sessions.stop)  # after the station: it sees the end
        if station.maintenance is None:
            station.start()
            running.push_async_callback(end.stop, station)
        async with asyncio.TaskGroup() as tasks:
            started = [
                tasks.create_task(supervise(service.name, service.serve)) for service in offered
            ]
            started.append(tasks.create_task(collect_garbage(station)))
            started.append(tasks.create_task(note_control_thread(station)))
            started.append(tasks.create_task(note_alarms(operations)))
            started.append(tasks.create_task(attend(manager, station, listening)))
            note_real_time("event loop", refused)
            status = await until_the_end(built, end, operations.restart_due)
            manager.tell("STOPPING=1", "STATUS=winding down")
            for task in started:
                task.cancel()
    return status or end.status


def _operations(built: Parts, around: Surroundings) -> Operations:
    return Operations(
        station=built.station,
        settings=built.settings,
        board=built.board,
        machine=Machine(simulated=built.simulator is not None),
        network=around.network,
        clock=around.clock,
    )
