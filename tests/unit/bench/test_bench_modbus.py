"""The Modbus benchmark end to end, as small as it can be. What it measures is not judged."""

import json
import os
import subprocess
import sys


def test_every_server_answers_rightly(tmp_path):
    command = [sys.executable, "-m", "evsed", "bench", "modbus", "--seconds", "1", "--clients", "2"]
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    done = subprocess.run(
        [*command, "--json", str(tmp_path / "m.json")],
        env={**os.environ, "TMPDIR": str(temporary)},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert list(temporary.iterdir()) == []
    report = json.loads((tmp_path / "m.json").read_text())
    assert {"evsed, Modbus alone", "evsed, the charger"} <= set(report["figures"])
    for name, (figure,) in report["figures"].items():
        assert name in done.stdout
        assert figure["answers"] > 0
        assert figure["bad"] == 0
        assert figure["cpu_s"] > 0
    for name, why in report["missing"].items():
        assert f"{name}: not measured, {why}" in done.stdout
