"""The packages on other architectures than this machine's, under emulation.

``make deb``, ``make deb ARCH=arm64`` and ``EVSED_MACHINE`` with ``--arch``: README.md here.
"""

import os
from pathlib import Path

import pytest
from test_package import GUEST, ROOT, SUITES, machine

pytestmark = pytest.mark.system

ARCHITECTURES = os.environ.get("EVSED_ARCHITECTURES", "arm64").split()


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("suite", SUITES[:1])
def test_the_packages_charge_a_car(suite: str, architecture: str) -> None:
    packages = [
        *ROOT.glob("dist/evsed_*.deb"),
        *ROOT.glob(f"dist/evsed-lua54_*_{architecture}.deb"),
    ]
    assert len(packages) == 2, f"make deb and make deb ARCH={architecture} come first"
    pool = os.environ.get("EVSED_POOL")
    missing = sorted(Path(pool, f"{suite}-{architecture}").glob("*.deb")) if pool else []
    brought = [word for file in (*packages, *missing) for word in ("--file", str(file))]
    words = ["--arch", architecture, *brought, str(GUEST / "one-charge.sh"), architecture]
    said = machine(suite, *words)
    print(said)
    assert "one charge, and nothing left behind" in said
