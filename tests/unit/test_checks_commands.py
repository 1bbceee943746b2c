"""Nothing a user types can become part of a command: there is no shell, and no command is glued.

Every call that starts a program is looked at in the syntax tree: it must be given a list of words
(or each word by itself), and nothing that is made by joining texts.
"""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted(
    file
    for room in ("evsed", "tests", "systemd", ".ci")
    for file in (ROOT / room).rglob("*")
    if file.is_file()
    and (file.suffix == ".py" or (not file.suffix and file.read_bytes()[:40].find(b"python") > 0))
)
#: A shell, or something that hands a text to one.
NEVER = {
    *("os.system", "os.popen", "os.spawnl", "os.spawnlp", "pty.spawn"),
    *("subprocess.getoutput", "subprocess.getstatusoutput", "commands.getoutput"),
    *("asyncio.create_subprocess_shell", "loop.subprocess_shell"),
}
#: These take the words of a command as their first argument, a list.
LISTS = {f"subprocess.{name}" for name in ("run", "Popen", "call", "check_call", "check_output")}
#: These take each word as an argument.
WORDS = {
    *("asyncio.create_subprocess_exec", "loop.subprocess_exec"),
    *(f"os.{name}" for name in ("execv", "execve", "execvp", "execl", "execlp", "posix_spawn")),
}
SHELLS = {"sh", "bash", "dash", "/bin/sh", "/bin/bash", "zsh"}
GLUE = (ast.JoinedStr, ast.BinOp, ast.Constant)


def complaints(source: str) -> list[str]:
    """Return what is wrong with how a source starts programs."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            name = _dotted(node.func)
            found += [f"line {node.lineno}: {name}: {why}" for why in _wrong(name, node)]
    return found


def _wrong(name: str, call: ast.Call) -> list[str]:
    if name in NEVER or name.rpartition(".")[2] in {"create_subprocess_shell", "subprocess_shell"}:
        return ["hands a text to a shell"]
    wrong = []
    for word in call.keywords:
        plain_false = isinstance(word.value, ast.Constant) and word.value.value is False
        if word.arg == "shell" and not plain_false:
            wrong.append("shell")
    if name in LISTS and call.args:
        first = call.args[0]
        if isinstance(first, GLUE) or _dotted_call(first) in {"join", "split", "format"}:
            wrong.append("a command made of one text")
        if isinstance(first, ast.List | ast.Tuple):
            wrong += _shell_words(first.elts)
    if name in WORDS:
        wrong += _shell_words(call.args)
    return wrong


def _shell_words(words: list[ast.expr]) -> list[str]:
    """Complain of ``sh -c`` with a text that is made."""
    values = [word.value if isinstance(word, ast.Constant) else None for word in words]
    if values and values[0] in SHELLS and "-c" in values:
        script = words[values.index("-c") + 1] if values.index("-c") + 1 < len(words) else None
        if not isinstance(script, ast.Constant):
            return ["a script for a shell that is made"]
    return []


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        inner = _dotted(node.value)
        return f"{inner}.{node.attr}" if inner else node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _dotted_call(node: ast.expr) -> str:
    return _dotted(node.func).rpartition(".")[2] if isinstance(node, ast.Call) else ""


def test_every_source_is_looked_at() -> None:
    names = {file.relative_to(ROOT).as_posix() for file in SOURCES}
    assert "evsed/host/signatures.py" in names
    assert len(names) > 300


@pytest.mark.parametrize("room", ["evsed", "tests", "systemd", ".ci"])
def test_no_program_is_started_through_a_shell_or_with_a_command_that_is_glued(room: str) -> None:
    mine = [file for file in SOURCES if file.relative_to(ROOT).parts[0] == room]
    found = {
        file.relative_to(ROOT).as_posix(): wrong
        for file in mine
        if (wrong := complaints(file.read_text(encoding="utf-8")))
    }
    assert found == {}


@pytest.mark.parametrize(
    "line",
    [
        "subprocess.run(f'nmcli {name}', shell=True)",
        "subprocess.run(['nmcli', name], shell=wanted)",
        "subprocess.run('nmcli ' + name)",
        "subprocess.Popen(f'nmcli {name}')",
        "subprocess.check_output(f'nmcli {name}'.split())",
        "subprocess.run(['sh', '-c', f'nmcli {name}'])",
        "asyncio.create_subprocess_shell(name)",
        "asyncio.create_subprocess_exec('bash', '-c', name)",
        "os.system(name)",
        "os.popen('nmcli ' + name)",
    ],
)
def test_the_search_finds_each_way_of_doing_it_wrong(line: str) -> None:
    assert complaints(line) != []


@pytest.mark.parametrize(
    "line",
    [
        "subprocess.run(['nmcli', name])",
        "subprocess.run(command, shell=False)",
        "asyncio.create_subprocess_exec('nmcli', name)",
        "', '.join(names)",
    ],
)
def test_the_search_leaves_good_code_alone(line: str) -> None:
    assert complaints(line) == []
