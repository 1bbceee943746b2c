"""What the daemon holds back for the management system when the process cannot run at all."""

import asyncio
from pathlib import Path
from types import SimpleNamespace

import pytest

from evsed.operations.limits import OCPP
from evsed.services.ocpp.orders import until_heard
from evsed.services.ocpp.service import OcppService
from evsed.settings.ocpp import OcppSettings

ENABLED = OcppSettings(enabled=True, url="ws://127.0.0.1:1", identity="CP-1", offline_current_da=60)


class Desk:
    """The limit ``ocpp`` of a station that has begun with the dead-man current."""

    def __init__(self, settings):
        self.store = SimpleNamespace(settings=SimpleNamespace(ocpp=settings))
        self.limits, self.held, self.looked = self, [60], asyncio.Event()

    def of(self, owner):
        self.looked.set()
        return {"owner": owner} if self.held and self.held[-1] is not None else None

    async def hold(self, owner, current_da, **_more):
        assert owner == OCPP
        self.held.append(current_da)

    async def let_go(self, owner, **_more):
        assert owner == OCPP
        self.held.append(None)


@pytest.mark.parametrize(
    ("settings", "there", "left"),
    [(ENABLED, True, 60), (ENABLED, False, 60), (OcppSettings(), True, None)],
)
async def test_without_the_library_the_dead_man_current_stays(settings, there, left):
    desk = Desk(settings)
    if not there:
        desk.held.append(None)
    service = OcppService(desk, Path("/nowhere"), "boot-1", None, installed=lambda: False)
    serving = asyncio.create_task(service.serve())
    try:
        async with asyncio.timeout(20):
            await desk.looked.wait()
        for _ in range(3):
            await asyncio.sleep(0)
        assert desk.held[-1] == left
    finally:
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)


@pytest.mark.parametrize(
    ("more", "wanted"),
    [
        ({"enabled": False}, None),
        ({}, (0, None)),
        ({"offline_current_da": 80}, (0, 80)),
        ({"offline_current_da": 0}, (0, 0)),
    ],
)
def test_nothing_is_offered_after_a_start_until_the_process_has_spoken(more, wanted):
    limit = until_heard(OcppSettings(**{"enabled": True, **more}))
    found = None if limit is None else (limit.current_da, limit.fallback_da)
    assert found == wanted
    assert limit is None or limit.lease_ms == 30_000
