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
}


def reason(difference: str) -> str:
    """Return the reason for a mutant's difference; empty when there is none."""
    changed = [line for line in difference.splitlines() if line[:1] in "+-" and line[:2] != "++"]
    changed = [line for line in changed if not line.startswith(("---", "+++"))]
    return REASONS.get("\n".join(line[0] + " ".join(line[1:].split()) for line in changed), "")
