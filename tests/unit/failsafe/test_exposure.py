"""What the units leave open, by systemd's own count: at most 2.0 of 10 (platform.md section 5).

systemd-analyze reads the unit's file; no systemd has to run.
"""

import re
import subprocess
from pathlib import Path

import pytest

UNITS = Path(__file__).parents[3] / "systemd"


@pytest.mark.parametrize("unit", ["evsed.service", "evsed-guard.service"])
def test_a_unit_leaves_open_no_more_than_it_explains(unit: str) -> None:
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", str(UNITS / unit)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    found = re.search(rf"exposure level for {re.escape(unit)}: (\d+\.\d+)", done.stdout)
    assert found, done.stdout + done.stderr
    assert float(found[1]) <= 2.0, done.stdout
