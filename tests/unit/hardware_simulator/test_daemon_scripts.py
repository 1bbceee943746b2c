import pytest

from evsed.hardware.simulator import script as scripts
from evsed.hardware.simulator.script import BadScriptError, Script, parse

DEAD_MAN = (
    "ld v0 p0 ld v1 25 tag 0 mils 20 lda p0 cmp v0 jz 1 sta v0 ld v1 25 jmp 0 "
    "tag 1 dcr v1 jnz 0 w 17 0 w 27 0 hp 18 1000 0 w 18 0 halt"
)


def run(text: str, *parameters: int) -> tuple[list[tuple[int, list[int]]], list[int], Script]:
    commands: list[tuple[int, list[int]]] = []

    def command(number: int, values: list[int]) -> int:
        commands.append((number, values))
        return 1 if number == 3 else 0

    script = Script(parse(text), command)
    script.parameters[: len(parameters)] = parameters
    script.start()
    pauses = []
    while (pause := script.run()) is not None:
        pauses.append(pause)
        assert len(pauses) < 1000
    return commands, pauses, script


def test_the_dead_man_trips_after_half_a_second_without_a_change() -> None:
    commands, pauses, script = run(DEAD_MAN, 7)
    assert pauses == [20_000] * 25
    assert commands == [(4, [17, 0]), (4, [27, 0]), (86, [18, 1000, 0]), (4, [18, 0])]
    assert script.state == scripts.HALTED


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("lda 5 add 3 sta p9", 8),
        ("lda 5 sub 7 sta p9", -2),
        ("lda 12 and 10 sta p9", 8),
        ("lda 12 or 3 sta p9", 15),
        ("lda 12 xor 10 sta p9", 6),
        ("lda 0x10 sta p9", 16),
        ("ld p9 -3 inr p9", -2),
        ("lda 2147483647 add 1 sta p9", -2147483648),
        ("ld v3 4 tag 7 inr p9 dcr v3 jnz 7", 4),
        ("ld v3 2 tag 7 inr p9 dcr v3 jp 7", 3),
        ("lda 3 cmp 4 jm 1 ld p9 1 halt tag 1 ld p9 2", 2),
        ("lda 4 cmp 4 jz 1 ld p9 1 halt tag 1 ld p9 2", 2),
        ("r 24 sta p9", 1),
        ("lda p0 sta p9", 41),
    ],
)
def test_arithmetic_and_jumps(text: str, result: int) -> None:
    assert run(text, 41)[2].parameters[9] == result


def test_variables_live_on_from_run_to_run_and_accumulators_do_not() -> None:
    _, _, script = run("inr v0 sta p8 lda v0 sta p9")
    script.start()
    assert script.run() is None
    assert (script.parameters[8], script.parameters[9]) == (0, 2)


def test_microseconds_pause_too_and_a_tight_loop_lets_others_run() -> None:
    assert run("mics 70 mics -1")[1] == [70, 0]
    script = Script(parse("tag 0 jmp 0"), lambda *_: 0)
    script.start()
    assert script.run() == 100
    assert script.state == scripts.RUNNING


@pytest.mark.parametrize(
    "text", ["ld v150 1", "ld p10 1", "ld 3 1", "lda", "jmp v1", "jmp 4", "w 17", "lda 1x", "dance"]
)
def test_what_is_no_script_is_refused(text: str) -> None:
    with pytest.raises(BadScriptError):
        parse(text)
