"""``python -m evsed.services.modbus.manual FILE``: the register table, as the manual shows it.

The part of the file between the two marks is replaced.
"""

import sys
from pathlib import Path
from typing import Final

from evsed.services.modbus.registers import REGISTERS, Group, Register

BEGIN: Final = "<!-- made by `python -m evsed.services.modbus.manual docs/modbus.md` -->"
END: Final = "<!-- end -->"
_HEAD: Final = (
    "| Address | Registers | Access | Type | Name | Unit, values | Meaning |",
    "|---|---|---|---|---|---|---|",
)


def register_table() -> str:
    """Return the table in Markdown."""
    return "\n".join([*_HEAD, *(_row(register) for register in REGISTERS)])


def with_table(text: str) -> str:
    """Return a page with the table of today between its marks."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    return f"{before}{begin}\n\n{register_table()}\n\n{end}{after}"


def _row(register: Register) -> str:
    last = register.address + register.words - 1
    address = str(register.address) if register.words == 1 else f"{register.address}–{last}"
    access = register.access + ("*" if register.writable and register.group is Group.STORED else "")
    cells = (
        *(address, str(register.words), access, register.encoding.label),
        *(f"`{register.name}`", register.unit, register.about),
    )
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    """Bring a page up to date."""
    page = Path(sys.argv[1])
    page.write_text(with_table(page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
