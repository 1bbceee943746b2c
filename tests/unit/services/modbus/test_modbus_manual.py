"""What the manual says about Modbus is what the program does."""

import re
from pathlib import Path

import yaml

from evsed.charging.states import Fault, fault_names
from evsed.services.modbus.manual import register_table, with_table
from evsed.services.modbus.registers import REGISTERS
from evsed.settings.administrator import FILE

ROOT = Path(__file__).parents[4]
PAGE = (ROOT / "docs" / "modbus.md").read_text(encoding="utf-8")


def test_the_register_table_is_the_one_of_today():
    assert with_table(PAGE) == PAGE, "run: python -m evsed.services.modbus.manual docs/modbus.md"


def test_each_register_has_a_row():
    rows = register_table().splitlines()[2:]
    assert len(rows) == len(REGISTERS)
    assert rows[0].startswith("| 100 | 1 | R | char[2] | `state` |")
    assert rows[1].startswith("| 101–102 | 2 | R | u32 | `errors` |")


def test_every_key_of_the_administrator_is_explained():
    section = next(key.kind for key in FILE.keys if key.name == "modbus")
    missing = [key.name for key in section.keys if f"`modbus.{key.name}`" not in PAGE]
    assert missing == []


def test_the_faults_are_named_in_the_order_of_their_bits():
    listed = re.search(r"from the lowest: (.*?)\.\n", PAGE, re.DOTALL)
    assert listed is not None
    assert [name.strip() for name in listed[1].split(",")] == fault_names(~Fault.NONE)


def test_examples_name_registers_that_are_there():
    readable = {register.address: register for register in REGISTERS if register.read}
    text = (ROOT / "docs/examples/home-assistant-modbus.yaml").read_text(encoding="utf-8")
    hub = yaml.safe_load(text)["modbus"][0]
    for sensor in hub["sensors"]:
        label = sensor["data_type"].replace("uint", "u").replace("int", "i")
        assert readable[sensor["address"]].encoding.label == label
    assert all(readable[switch["address"]].writable for switch in hub["switches"])
