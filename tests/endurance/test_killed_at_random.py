"""kill -9 at random moments: what ledger and history promise. ``make endurance``: 1000 times."""

import json
import os
import subprocess
import sys
from pathlib import Path

KILLS = int(os.environ.get("EVSED_KILLS", "40"))
PROGRAM = Path(__file__).with_name("killed_station.py")


def test_nothing_is_lost_doubled_or_broken_however_often_it_is_killed(tmp_path):
    command = [sys.executable, str(PROGRAM), str(tmp_path), str(KILLS), "1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=3600, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    sys.stdout.write(f"measured: {found}\n")
    assert found["broken"] == []
    assert found["kills"] == KILLS
    assert found["sessions"] > 1  # it was no idle station
    assert found["interrupted"] < found["sessions"]
    assert found["worst_ledger_wh"] <= 100
