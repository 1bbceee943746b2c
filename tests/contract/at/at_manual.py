"""The command table of docs/at.md. Run this file to write it anew."""

from collections.abc import Mapping
from pathlib import Path

from evsed.board.reader import read_board
from evsed.services.at.commands import Command, commands_for

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "at.md"
BEGIN, END = "<!-- commands -->\n", "<!-- end of commands -->\n"


def command_table() -> str:
    """Return the table as the page has it."""
    commands = commands_for(read_board(ROOT / "boards" / "sim.yaml"))
    rows = [_row(one) for one in _once(commands).values()]
    return "".join(["| Command | Forms | Values | Meaning |\n|---|---|---|---|\n", *rows])


def _once(commands: Mapping[str, Command]) -> dict[str, Command]:
    """Return the commands with one row for all serial ports."""
    return {name: one for name, one in commands.items() if name != "+SERIAL1"}


def _row(command: Command) -> str:
    forms = " ".join(f"`{form}`" if form else "run" for form in command.forms)
    values = ", ".join(
        f"{one.about} {one.kind}".strip()
        + (f" {one.access}" if one.access != "RO" else "")
        + (" *opt*" if one.optional else "")
        for one in command.columns
    )
    name = command.name.replace("+SERIAL0", "+SERIALn")
    return f"| `{name}` | {forms} | {values} | {command.about} |\n"


def with_table(page: str) -> str:
    """Return a page with the table of the code in it."""
    before, _, rest = page.partition(BEGIN)
    return before + BEGIN + command_table() + END + rest.partition(END)[2]


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
