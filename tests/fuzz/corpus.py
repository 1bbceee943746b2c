"""What fuzzing begins with: good examples, and everything that once broke something."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Final

SEEDS: Final = Path(__file__).parent / "seeds"
_BOARDS: Final = Path(__file__).parents[2] / "boards"
_TRACES: Final = Path(__file__).parents[1] / "contract" / "traces"
_MOST_BYTES: Final = 4096


def examples(name: str) -> list[bytes]:
    """Return the examples of a target, smallest first."""
    found = [path.read_bytes() for path in sorted((SEEDS / name).iterdir())]
    if name == "board-file":
        found += [path.read_bytes() for path in sorted(_BOARDS.glob("*.yaml"))]
    if name == "trace-file":
        found += [_beginning(path) for path in sorted(_TRACES.glob("*.jsonl"))[:4]]
    return sorted(found, key=len)


def _beginning(path: Path) -> bytes:
    """Return whole lines from the beginning of a long file."""
    return path.read_bytes()[:_MOST_BYTES].rpartition(b"\n")[0]


def mutated(name: str, seed: int, count: int) -> Iterator[bytes]:
    """Yield examples with bytes changed, cut out, doubled and put together; always the same."""
    dice = random.Random(f"{name} {seed}")  # noqa: S311  # the same in every run
    known = examples(name)
    for _ in range(count):
        data = bytearray(dice.choice(known))
        for _ in range(dice.choice((1, 1, 2, 4, 16))):
            _mutate(data, dice, known)
        yield bytes(data[:_MOST_BYTES])


def _mutate(data: bytearray, dice: random.Random, known: list[bytes]) -> None:
    at = dice.randrange(len(data) + 1)
    until = min(len(data), at + dice.choice((1, 1, 2, 8, 64)))
    match dice.randrange(5):
        case 0:
            data[at:until] = dice.randbytes(until - at)
        case 1:
            del data[at:until]
        case 2:
            data[at:at] = data[at:until] * dice.choice((1, 2, 40))
        case 3:
            data[at:at] = dice.choice(_WORDS)
        case _:
            other = dice.choice(known)
            begin = dice.randrange(len(other) + 1)
            data[at:until] = other[begin : begin + 64]


_WORDS: Final = (
    *(b"\0", b"\xff\xff\xff", b"\xc3\x28", b"\xed\xa0\x80", b"%2e%2e/", b"%00", b"-", b"9" * 30),
    *(b"1e400", b"NaN", b"null", b"{}", b"[" * 50, b'"', b"\\", b"\r\n", b"\n", b",", b":", b"="),
    *(b"&a;", b"<!DOCTYPE a>", b"&x: *x", b"!!python/none", b"\xef\xbb\xbf", b"\xe2\x80\xae"),
)
