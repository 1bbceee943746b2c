"""From values a client wants written to steps one control pass takes. Pure.

The keys are those of /state and /config/evse, the values JSON in the API's units (A, Ws, s, W, ms).
Source: rest.md section 3, modbus.md section 5.
"""

from collections.abc import Sequence

from evsed.board.description import Board
from evsed.charging.commands import Command
from evsed.errors import RejectedError
from evsed.operations.state_fields import WRITABLE, Terms, command_for
from evsed.settings.schema import EVSE, EvseSettings, check_board, patched_evse

Change = tuple[str, object]
Step = Command | EvseSettings


def steps_for(
    changes: Sequence[Change], before: EvseSettings, board: Board
) -> tuple[tuple[Step, ...], EvseSettings]:
    """Return the steps for the changes, each judged as the earlier ones would leave things.

    Settings that do not change are no step.

    Returns:
        The steps in order, and the settings as they would be.

    Raises:
        RejectedError: a key is not known, or a value is not permitted.
    """
    steps: list[Step] = []
    evse = before
    for key, value in changes:
        step = _step(key, value, evse)
        if isinstance(step, EvseSettings):
            if step == evse:
                continue
            evse = step
            if steps and isinstance(steps[-1], EvseSettings):
                steps.pop()
        steps.append(step)
    check_board(evse, board)
    return tuple(steps), evse


def _step(key: str, value: object, evse: EvseSettings) -> Step:
    if key in EVSE:
        return patched_evse(evse, {key: value})
    if key in WRITABLE:
        terms = Terms(max_charging_current_a=evse.max_charging_current_a)
        return command_for(WRITABLE[key], value, terms)
    raise RejectedError("unknown key", key=key)
