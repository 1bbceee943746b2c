"""A client somebody else wrote, over TCP: pymodbus, as Debian 12 has it and the newest."""

import asyncio
import contextlib
import inspect

import pytest
from modbus_world import Charger
from pymodbus.client import ModbusTcpClient

#: how the unit is called: renamed in 3.10
UNIT = next(
    name
    for name in ("device_id", "slave")
    if name in inspect.signature(ModbusTcpClient.read_holding_registers).parameters
    or name == "slave"
)


@contextlib.asynccontextmanager
async def session(charger):
    task = asyncio.create_task(charger.service.serve())
    await charger.operations.change("modbus", {"tcpEnabled": True}, source="modbus test")
    client = ModbusTcpClient("127.0.0.1", port=charger.service.port, timeout=10)
    assert await asyncio.to_thread(client.connect)
    try:
        yield client
    finally:
        client.close()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        charger.close()


async def read(client, address, count, unit=1, function="read_holding_registers"):
    ask = getattr(client, function)
    return await asyncio.to_thread(ask, address, count=count, **{UNIT: unit})


async def write(client, address, values):
    if isinstance(values, int):
        return await asyncio.to_thread(client.write_register, address, values, **{UNIT: 1})
    return await asyncio.to_thread(client.write_registers, address, values, **{UNIT: 1})


@pytest.mark.parametrize("unit", [0, 1, 255])
async def test_it_reads_what_rest_shows(tmp_path, unit):
    async with session(Charger(tmp_path)) as client:
        live = (await read(client, 100, 12, unit)).registers
        assert live == [0x4332, 0, 0, 1, 1, 0, 160, 0, 10_000, 0, 7200, 200]
        meter = (await read(client, 200, 19, unit, "read_input_registers")).registers
        assert meter[7:9] == [231_400 >> 16, 231_400 & 0xFFFF]
        version = (await read(client, 405, 16, unit)).registers
        assert b"".join(word.to_bytes(2, "big") for word in version).rstrip(b"\0") == b"v1.1.0"


async def test_it_writes_one_and_several_registers(tmp_path):
    charger = Charger(tmp_path)
    async with session(charger) as client:
        assert not (await write(client, 106, 80)).isError()
        assert not (await write(client, 107, [1, 0x86A0])).isError()
        assert not (await write(client, 304, [32, 320])).isError()
        state = charger.state()
    assert (state["chargingCurrent"], state["consumptionLimit"]) == (8.0, 360_000_000)
    assert (state["maxChargingCurrent"], state["defaultChargingCurrent"]) == (32, 32.0)


@pytest.mark.parametrize(
    ("address", "values", "code"), [(100, 1, 2), (107, 1, 2), (106, 161, 3), (103, [1, 2], 3)]
)
async def test_it_understands_refusals(tmp_path, address, values, code):
    async with session(Charger(tmp_path)) as client:
        refused = await write(client, address, values)
        assert refused.isError()
        assert refused.exception_code == code


async def test_it_understands_that_other_functions_are_not_there(tmp_path):
    async with session(Charger(tmp_path)) as client:
        refused = await read(client, 100, 1, function="read_coils")
        assert refused.isError()
        assert refused.exception_code == 1
