"""What a killed daemon leaves behind on its machine."""

import signal
import sys

from daemon_world import BOARD, CONFIG, Process, eventually


def test_the_folder_of_its_simulator_goes_with_a_killed_daemon(tmp_path):
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    daemon = Process(
        [
            *(sys.executable, "-m", "evsed", "run", "--board", str(BOARD), "--config", str(CONFIG)),
            *("--state-dir", str(tmp_path / "state"), "--http-port", "0", "--modbus-port", "0"),
        ],
        tmp_path / "log",
        {"TMPDIR": str(temporary)},
    )
    try:
        eventually(lambda: "http: listening on " in daemon.log)
        assert len(list(temporary.glob("evsed-sim-*"))) == 1
        daemon.signal(signal.SIGKILL)
        daemon.wait()
        eventually(lambda: not list(temporary.iterdir()))
    finally:
        daemon.kill()
