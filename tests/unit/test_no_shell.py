"""No command goes through a shell, and none is put together from a text."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("evsed", "libexec", "failsafe")
SHELLS = {"system", "popen", "getoutput", "getstatusoutput", "create_subprocess_shell"}
RUNNERS = {"run", "Popen", "call", "check_call", "check_output"}
MODULES = {"subprocess", "os", "asyncio", "pty"}


def offences(source):
    """Return the lines of a program in which a shell is asked, or a command is one text."""
    return [node.lineno for node in ast.walk(ast.parse(source)) if _offends(node)]


def _offends(node):
    if not isinstance(node, ast.Call):
        return False
    if any(one.arg == "shell" for one in node.keywords):
        return True
    match node.func:
        case ast.Attribute(value=ast.Name(id=module), attr=name) if module in MODULES:
            return name in SHELLS or (name in RUNNERS and _is_text(node.args))
        case ast.Name(id=name):
            return name in SHELLS
    return False


def _is_text(arguments):
    if not arguments:
        return False
    match arguments[0]:
        case ast.Constant(value=str()) | ast.JoinedStr() | ast.BinOp():
            return True
        case ast.Call(func=ast.Attribute(attr="join" | "format")):
            return True
    return False


@pytest.mark.parametrize(
    "line",
    [
        "subprocess.run(words, shell=True)",
        "subprocess.run('reboot')",
        "subprocess.Popen(f'nmcli {ssid}')",
        "subprocess.check_output('ls ' + name)",
        "subprocess.call(' '.join(words))",
        "subprocess.getoutput(words)",
        "os.system(line)",
        "os.popen(line)",
        "asyncio.create_subprocess_shell(line)",
    ],
)
def test_the_search_finds_what_it_looks_for(line):
    assert offences(line) == [1]


def test_the_search_lets_lists_of_words_pass():
    assert offences("subprocess.run([program, *words], check=True)\nself.run('dpkg', name)") == []


def test_nothing_asks_a_shell():
    files = [file for room in ROOMS for file in (ROOT / room).rglob("*.py")]
    assert len(files) > 200
    found = {str(file.relative_to(ROOT)): offences(file.read_text()) for file in files}
    assert {file: lines for file, lines in found.items() if lines} == {}
