"""apt-get, dpkg, dpkg-query and systemctl of a private root: one program under their names.

What is installed is really unpacked there; what the daemon makes of its version is told by
``mood.json``: ``broken`` (never ready), ``crashing`` (started anew at every look), ``looping``
(ready, and a moment later started anew), ``fail`` (a program that refuses), ``half`` (a program
during which the power goes) and ``cut`` (the call after or before which it goes: words of it, how
many of them go well, which moment).
"""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).absolute().parents[2]
CALLS, STATE, MOOD = ROOT / "calls", ROOT / "state.json", ROOT / "mood.json"
CLEAN = "install ok installed"


def load(file):
    return json.loads(file.read_text()) if file.exists() else {}


def save(state):
    STATE.write_text(json.dumps(state))


def deb(*arguments):
    command = [ROOT / "usr/bin/dpkg-deb", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def unpack(package):
    """Unpack the files; a folder that is a link here stays one, as with dpkg."""
    command = [ROOT / "usr/bin/dpkg-deb", "--fsys-tarfile", package]
    tar = subprocess.run(command, check=True, capture_output=True).stdout
    target = ["/bin/tar", "--extract", "--keep-directory-symlink", f"--directory={ROOT}"]
    subprocess.run(target, check=True, input=tar)


def install(package):
    """Unpack a package as dpkg does: between the two steps it is neither old nor new."""
    state = load(STATE)
    save(state | {"status": "install ok half-installed"})
    mood = load(MOOD)
    if mood.get("half") == Path(sys.argv[0]).name:
        MOOD.write_text(json.dumps(mood | {"half": None}))
        os.kill(os.getppid(), signal.SIGKILL)
        sys.exit(1)
    for path in state.get("files", []):
        (ROOT / path.lstrip("/")).unlink(missing_ok=True)
    unpack(package)
    control = deb("--field", package)
    version = deb("--field", package, "Version").strip()
    listed = [line.split(None, 5)[5] for line in deb("--contents", package).splitlines()]
    files = [name[1:] for name in listed if not name.endswith("/")]
    save(state | {"version": version, "status": CLEAN, "control": control, "files": files})


def query(arguments):
    state = load(STATE)
    match arguments[0]:
        case "--show":
            wanted = next(one for one in arguments if one.startswith("--showformat="))
            shown = wanted.partition("=")[2]
            for name in ("Version", "Status"):
                shown = shown.replace(f"${{{name}}}", state[name.lower()])
            print(shown, end="")
        case "--listfiles":
            print("/.", "/usr", "/lib", *state["files"], "/etc/evsed/evsed.yaml", sep="\n")
        case "--status":
            head, _, rest = state["control"].partition("\n")
            print(f"{head}\nStatus: {state['status']}\nConffiles:\n /etc/x 00\n{rest}", end="")


def systemctl(arguments):
    state, mood = load(STATE), load(MOOD)
    verb = next(one for one in arguments if not one.startswith("-"))
    if verb in {"start", "stop"}:
        run = state.get("run", 0) + (verb == "start")
        save(state | {"up": verb == "start", "run": run})
        return
    version = state["version"]
    if version in mood.get("looping", []):
        state["run"] += 1
    if version in mood.get("crashing", []):
        state["restarts"] = state.get("restarts", 0) + 1
    save(state)
    ready = state.get("up") and state["status"] == CLEAN and version not in mood.get("broken", [])
    print(f"ActiveState={'active' if ready else 'activating'}\nInvocationID=run{state['run']}")
    print(f"NRestarts={state.get('restarts', 0)}")


def act(program, arguments):
    match program:
        case "apt-get" if "install" in arguments:
            install(arguments[-1])
        case "dpkg" if "--print-architecture" in arguments:
            print(load(MOOD).get("architecture", "amd64"))
        case "dpkg":
            install(arguments[-1])
        case "dpkg-query":
            query(arguments)
        case "systemctl":
            systemctl(arguments)


def main():
    program, arguments = Path(sys.argv[0]).name, sys.argv[1:]
    with CALLS.open("a") as calls:
        calls.write(json.dumps([program, *arguments]) + "\n")
    mood = load(MOOD)
    if program in mood.get("fail", []):
        print("reading\nE: no room", file=sys.stderr)
        sys.exit(100)
    moment = moment_of_the_cut(mood, [program, *arguments])
    if moment == "before":
        os.kill(os.getppid(), signal.SIGKILL)
        sys.exit(1)
    act(program, arguments)
    if moment == "after":
        os.kill(os.getppid(), signal.SIGKILL)


def moment_of_the_cut(mood, call):
    words, good, moment = mood.get("cut", (["nothing"], 0, ""))
    if not set(words) <= set(call):
        return None
    MOOD.write_text(json.dumps(mood | {"cut": (words, good - 1, moment)}))
    return moment if good == 0 else None


if __name__ == "__main__":
    main()
