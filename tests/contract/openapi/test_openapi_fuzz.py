"""schemathesis against a running daemon: seeded; EVSED_FUZZ=100000 is 100 examples per operation.

Left out of the loop, each with a test of its own below or elsewhere: /restart and /reset end the
daemon, /credentials locks the loop out, /events never ends.
"""

import json
import os
import subprocess
import sys

from evsed.ending import AGAIN

LEFT_OUT = ("/restart", "/reset", "/credentials", "/events")
#: per operation, beside some thirty that go to the edges of each schema
EXAMPLES = max(5, min(int(os.environ.get("EVSED_FUZZ", "0")) // 1000, 200))

#: Which operations may answer with a code of their own above 500; it is documented for each.
SETTINGS = """
[checks]
positive_data_acceptance.enabled = false
ensure_resource_availability.enabled = false
use_after_free.enabled = false

[[operations]]
include-path = ["/firmware/update", "/firmware/upload", "/nextion/upload"]
checks.not_a_server_error.enabled = false
"""


def schemathesis(url, folder, *arguments):
    """Return exit status and output of one run.

    positive_data_acceptance is off because a schema cannot say everything: that a time zone
    exists, that a current is not above another setting. Those two others want links.
    """
    settings = folder / "schemathesis.toml"
    settings.write_text(SETTINGS)
    program = f"{os.path.dirname(sys.executable)}/schemathesis"  # noqa: PTH120
    left_out = [word for path in LEFT_OUT for word in ("--exclude-path", path)]
    command = [program, "--config-file", str(settings), "run", url, *left_out]
    command += ["--seed", "1", "--no-color", "--generation-database", "none"]
    command += ["--continue-on-failure", *arguments]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=3600, check=False
    )
    return done.returncode, done.stdout + done.stderr


def test_answers_are_as_documented_whatever_is_sent(start, tmp_path):
    daemon = start()
    url = f"http://127.0.0.1:{daemon.port}/api/v1/openapi.json"
    status, output = schemathesis(url, tmp_path, "--max-examples", str(EXAMPLES))
    assert status == 0, f"{output}\n{daemon.log[-2000:]}"
    assert "Traceback" not in daemon.log
    assert daemon.popen.poll() is None
    assert daemon.get("/state")["state"]


def test_a_difference_would_be_noticed(start, tmp_path):
    daemon = start()
    document = daemon.get("/openapi.json")
    answers = document["paths"]["/time"]["get"]["responses"]
    answers["200"]["content"]["application/json"]["schema"] = {"type": "string"}
    changed = tmp_path / "changed.json"
    changed.write_text(json.dumps(document))
    base = f"http://127.0.0.1:{daemon.port}/api/v1"
    chosen = ("--url", base, "--include-path", "/time", "--max-examples", "1")
    status, output = schemathesis(str(changed), tmp_path, *chosen)
    assert status == 1, output
    assert "GET /time" in output


def test_credentials_are_answered_as_documented(start):
    daemon = start()
    assert daemon.ask("POST", "/credentials", {})[0] == 400
    assert daemon.ask("POST", "/credentials", {"user": "a", "password": "b"}) == (200, "OK")
    status, text = daemon.ask("GET", "/state")
    assert (status, text) == (401, "Bad credentials")


def test_a_restart_is_answered_before_it_happens(start):
    daemon = start()
    assert daemon.ask("POST", "/restart", b"anything") == (200, "OK")
    assert daemon.wait() == AGAIN
