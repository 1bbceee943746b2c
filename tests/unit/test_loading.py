"""What a daemon's process loads, and what it leaves out."""

import subprocess
import sys

LOAD = (
    "import sys; from evsed.loading import lean\n"
    "with lean(): import evsed.run_command\n"
    "print(*sys.modules)"
)


def loaded(program):
    """Return the packages a program has loaded, those in C by their own names."""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=300
    )
    return {name.partition(".")[0] for name in done.stdout.split()}


def test_a_daemon_has_neither_tls_nor_what_is_used_elsewhere():
    found = loaded(LOAD)
    assert {"evsed", "aiohttp", "asyncio", "pigpio"} <= found
    assert not found & {"ssl", "_ssl", "gpiozero", "lupa", "multiprocessing", "ocpp", "paho"}
    assert not found & {"pymodbus", "pytest", "unittest"}


def test_whoever_needs_tls_later_has_it():
    assert "True" in loaded(f"{LOAD}; import ssl; print(ssl.create_default_context() is not None)")


def test_what_has_tls_already_keeps_it():
    program = (
        "import ssl; from evsed.loading import lean\n"
        "with lean(): import asyncio.sslproto\n"
        "print(asyncio.sslproto.ssl is ssl)"
    )
    assert loaded(program) == {"True"}
