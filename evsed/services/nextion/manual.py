"""The tables of docs/nextion.md: ``python -m evsed.services.nextion.manual`` prints them. Pure."""

import sys

from evsed.services.nextion.commands import SETTINGS
from evsed.services.nextion.variables import VARIABLES, Push, Variable

_PUSH = {
    Push.ONCE: "once",
    Push.CHANGE: "on change",
    Push.LIVE: "on change, and every second",
}


def variables_table() -> str:
    """Return the table of variables."""
    head = "| Variable | Shows | Unit | Sent |\n|---|---|---|---|\n"
    return head + "".join(map(_variable_row, VARIABLES))


def commands_table() -> str:
    """Return the table of settings."""
    head = "| Command | Sets | Unit | Range |\n|---|---|---|---|\n"
    rows = (
        f"| `{row.command} <n>` | {row.about} | {row.unit} | {row.low} … {row.high} |\n"
        for row in SETTINGS
    )
    return head + "".join(rows)


def _variable_row(variable: Variable) -> str:
    sent = _PUSH[variable.push]
    if variable.pause_s:
        sent += f"; at most every {variable.pause_s * 1000:.0f} ms"
    return f"| `{variable.name}` | {variable.about} | {variable.unit} | {sent} |\n"


if __name__ == "__main__":
    sys.stdout.write(f"{variables_table()}\n{commands_table()}")
