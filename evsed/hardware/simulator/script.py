"""Stored scripts of the GPIO daemon: text to instructions, and what runs them in virtual time.

Source: pigpiod-protocol.md section 7.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

PARAMETERS = 10
VARIABLES = 150
INITIALIZING, HALTED, RUNNING, WAITING, FAILED = range(5)

#: instructions in one go before the script must let others run
_SLICE = 1000
_SLICE_PAUSE_US = 100

#: operand kinds per opcode: r register, x register or number, t tag
_OPCODES = {
    "ld": "rx",
    "lda": "x",
    "sta": "r",
    "cmp": "x",
    "add": "x",
    "sub": "x",
    "and": "x",
    "or": "x",
    "xor": "x",
    "dcr": "r",
    "inr": "r",
    "jz": "t",
    "jnz": "t",
    "jp": "t",
    "jm": "t",
    "jmp": "t",
    "tag": "t",
    "mils": "x",
    "mics": "x",
    "halt": "",
}
#: commands of the daemon that a script may give: number, operands
COMMANDS = {
    "w": (4, 2),
    "r": (3, 1),
    "p": (5, 2),
    "hp": (86, 3),
    "gdc": (83, 1),
    "pfg": (23, 1),
    "mg": (1, 1),
    "br1": (10, 0),
    "bc1": (12, 1),
    "bs1": (14, 1),
    "tick": (16, 0),
    "evt": (116, 1),
    "hwver": (17, 0),
    "pigpv": (26, 0),
}
_NUMBER = re.compile(r"[+-]?(0[xX][0-9a-fA-F]+|\d+)\Z")
_REGISTER = re.compile(r"([pv])(\d+)\Z")


class BadScriptError(ValueError):
    """The text is no script."""


@dataclass(frozen=True, slots=True)
class Operand:
    """A number, or a register: ``kind`` is n, p, v or t."""

    kind: str
    value: int


@dataclass(frozen=True, slots=True)
class Instruction:
    """One opcode or command with its operands."""

    name: str
    operands: tuple[Operand, ...]


@dataclass(frozen=True, slots=True)
class Program:
    """Instructions and where each tag stands."""

    instructions: tuple[Instruction, ...]
    tags: dict[int, int]


def parse(text: str) -> Program:
    """Return the program.

    Raises:
        BadScriptError: an unknown word, a wrong operand, or a jump to nowhere.
    """
    words = text.replace(",", " ").split()
    instructions: list[Instruction] = []
    place = 0
    while place < len(words):
        name = words[place].lower()
        kinds = _operand_kinds(name)
        given = words[place + 1 : place + 1 + len(kinds)]
        if len(given) < len(kinds):
            raise BadScriptError(f"{name}: operand missing")
        operands = tuple(map(_operand, kinds, given))
        instructions.append(Instruction(name, operands))
        place += 1 + len(kinds)
    return Program(tuple(instructions), _tags(instructions))


def _operand_kinds(name: str) -> str:
    if name in _OPCODES:
        return _OPCODES[name]
    if name in COMMANDS:
        return "x" * COMMANDS[name][1]
    raise BadScriptError(f"{name}: unknown")


def _operand(kind: str, word: str) -> Operand:
    register = _REGISTER.match(word)
    if register and kind != "t":
        limit = PARAMETERS if register[1] == "p" else VARIABLES
        if int(register[2]) < limit:
            return Operand(register[1], int(register[2]))
    elif kind != "r" and _NUMBER.match(word):
        return Operand("t" if kind == "t" else "n", int(word, 0))
    raise BadScriptError(f"{word}: wrong operand")


def _tags(instructions: Sequence[Instruction]) -> dict[int, int]:
    tags: dict[int, int] = {}
    for place, instruction in enumerate(instructions):
        if instruction.name == "tag":
            tags[instruction.operands[0].value] = place
    for instruction in instructions:
        if instruction.name.startswith("j") and instruction.operands[0].value not in tags:
            raise BadScriptError(f"{instruction.name}: no such tag")
    return tags


def _signed(value: int) -> int:
    return ((value + (1 << 31)) & 0xFFFFFFFF) - (1 << 31)


@dataclass(slots=True)
class Script:
    """One stored script. ``command`` carries out a command of the daemon and returns its result."""

    program: Program
    command: Callable[[int, list[int]], int]
    state: int = INITIALIZING
    parameters: list[int] = field(default_factory=lambda: [0] * PARAMETERS)
    _variables: list[int] = field(default_factory=lambda: [0] * VARIABLES)
    _a: int = 0
    _f: int = 0
    _place: int = 0
    #: counts runs, so that a pause that ends after a stop wakes nobody
    turn: int = 0

    def start(self) -> None:
        """Begin at the top; variables keep their values."""
        self.turn += 1
        self.state = RUNNING
        self._a = self._f = self._place = 0

    def stop(self) -> None:
        """End it where it is."""
        self.turn += 1
        self.state = HALTED

    def run(self) -> int | None:
        """Run until it pauses; return for how many us, or None when it has ended."""
        self.state = RUNNING
        for _ in range(_SLICE):
            if self._place >= len(self.program.instructions):
                self.stop()
                return None
            instruction = self.program.instructions[self._place]
            self._place += 1
            if instruction.name == "halt":
                self.stop()
                return None
            if instruction.name in {"mils", "mics"}:
                self.state = WAITING
                pause = max(self._value(instruction.operands[0]), 0)
                return pause * (1000 if instruction.name == "mils" else 1)
            self._do(instruction)
        return _SLICE_PAUSE_US

    def _do(self, instruction: Instruction) -> None:
        name, operands = instruction.name, instruction.operands
        if name in COMMANDS:
            values = [self._value(operand) for operand in operands]
            self._a = self._f = _signed(self.command(COMMANDS[name][0], values))
        elif name.startswith("j"):
            self._jump(name, operands[0].value)
        elif name == "ld":
            self._store(operands[0], self._value(operands[1]))
        elif name == "sta":
            self._store(operands[0], self._a)
        elif name in {"dcr", "inr"}:
            step = 1 if name == "inr" else -1
            self._f = _signed(self._value(operands[0]) + step)
            self._store(operands[0], self._f)
        elif name != "tag":
            self._calculate(name, self._value(operands[0]))

    def _jump(self, name: str, tag: int) -> None:
        flags = self._f
        taken = {
            "jmp": True,
            "jz": flags == 0,
            "jnz": flags != 0,
            "jp": flags >= 0,
            "jm": flags < 0,
        }
        if taken[name]:
            self._place = self.program.tags[tag]

    def _calculate(self, name: str, value: int) -> None:
        if name == "lda":
            self._a = value
            return
        results = {
            "cmp": self._a - value,
            "add": self._a + value,
            "sub": self._a - value,
            "and": self._a & value,
            "or": self._a | value,
            "xor": self._a ^ value,
        }
        self._f = _signed(results[name])
        if name != "cmp":
            self._a = self._f

    def _value(self, operand: Operand) -> int:
        if operand.kind == "p":
            return self.parameters[operand.value]
        if operand.kind == "v":
            return self._variables[operand.value]
        return operand.value

    def _store(self, register: Operand, value: int) -> None:
        registers = self.parameters if register.kind == "p" else self._variables
        registers[register.value] = _signed(value)
