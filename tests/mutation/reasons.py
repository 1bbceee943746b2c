"""Why some mutants survive, written by hand: the changed line, and the reason.

A mutant whose changed lines are not here is a gap until somebody writes a test or a reason.
"""

#: by the lines a mutant takes out and puts in, as its difference shows them
REASONS: dict[str, str] = {
    "-return replace(authorization, authorized=False) if authorization.authorized else "
    "authorization\n"
    "+return replace(authorization, authorized=None) if authorization.authorized else "
    "authorization": (
        "Found in the first sample, without the slower tests; noticed since by a test written for "
        "it, test_the_end_of_a_session_leaves_an_open_grant_and_nothing_else."
    ),
    "-BLIND_MS if memory.contactor.closed else _SILENT_MS\n"
    "+BLIND_MS if (memory.contactor.closed) and False else _SILENT_MS": (
        "Equivalent: the interlock of the same pass has opened a contactor that is blind before "
        "anybody asks for causes; the distinction is a second line."
    ),
    "-return replace(authorization, authorized=False) if authorization.authorized else "
    "authorization\n"
    "+return replace(authorization, authorized=False) if (authorization.authorized) or True else "
    "authorization": (
        "Equivalent: what is not authorized is replaced by an equal value; the condition only "
        "saves making it."
    ),
    "-return (levels.v3 + levels.minus12) // 2 if lowest <= levels.minus12 else zero_mv(levels)\n"
    "+return (levels.v3 + levels.minus12) / 2 if lowest <= levels.minus12 else zero_mv(levels)": (
        "Equivalent within half a millivolt: the middle of a gap as wide as the swing from 3 V to "
        "-12 V, where a healthy pilot has no readings but those on an edge."
    ),
    "-if below_cdeg >= _DERATING_CDEG:\n+if below_cdeg > _DERATING_CDEG:": (
        "Equivalent: exactly there the line below this one gives the full current as well."
    ),
    "-least_da = MOST_DA + 1\n+least_da = MOST_DA + 2": (
        "Equivalent: no limit above MOST_DA is ever taken, so every one is below either start."
    ),
    "-for reading, threshold in zip(_DESCENDING, thresholds, strict=True):\n"
    "+for reading, threshold in zip(_DESCENDING, thresholds, ):": (
        "Equivalent: there are four of both, written down a few lines apart."
    ),
    "-target = None if reading is None else follow_pilot(reading, allowed=False)\n"
    "+target = None if (reading is None) and False else follow_pilot(reading, allowed=False)": (
        "Equivalent: no state belongs to a reading that is None, and follow_pilot says so; the "
        "condition is there for the type checker."
    ),
}


def reason(difference: str) -> str:
    """Return the reason for a mutant's difference; empty when there is none."""
    changed = [line for line in difference.splitlines() if line[:1] in "+-" and line[:2] != "++"]
    changed = [line for line in changed if not line.startswith(("---", "+++"))]
    return REASONS.get("\n".join(line[0] + " ".join(line[1:].split()) for line in changed), "")
