"""What a worker has given away before the first script runs in it."""

import json
import os
import pwd
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from script_world import scripts_at_work

MIB = 1024 * 1024
SLEEPING = """
component.register({id = "a", name = "A", start = function()
  return coroutine.create(function() while true do coroutine.yield(50) end end) end})
"""
#: Becomes somebody, and tells who it is then, and whether it can go back.
BECOMING = """
import json, os, sys
from pathlib import Path
from evsed.host.hardening import become
done = become(sys.argv[1], Path(sys.argv[2]))
back = True
try:
    os.seteuid(0)
except PermissionError:
    back = False
print(json.dumps([done, [*os.getresuid()], [*os.getresgid()], os.getgroups(), back]))
"""
NOBODY = pwd.getpwnam("nobody")


def pid(scripts):
    return scripts.service._worker._process.pid


def kernel_says(process, name):
    return Path(f"/proc/{process}", name).read_text(errors="replace")


def open_files(process):
    return {one.readlink() for one in Path(f"/proc/{process}/fd").iterdir()}


def working_folder(process):
    return Path(f"/proc/{process}/cwd").readlink()


async def test_a_worker_has_few_rights_and_one_socket(tmp_path, monkeypatch):
    monkeypatch.setenv("EVSED_SECRET", "told-to-nobody")
    async with scripts_at_work(tmp_path) as scripts:
        await scripts.start(SLEEPING)
        worker = pid(scripts)
        status, limits = kernel_says(worker, "status"), kernel_says(worker, "limits")
        assert "NoNewPrivs:\t1" in status
        for kind in ("Inh", "Prm", "Eff", "Amb"):
            assert f"Cap{kind}:\t{0:016x}" in status
        assert kernel_says(worker, "oom_score_adj") == "500\n"
        fields = kernel_says(worker, "stat").rpartition(")")[2].split()
        assert fields[3] == str(worker)  # a session of its own
        assert int(fields[16]) == min(19, os.nice(0) + 10)  # little priority
        assert fields[38] == "0"  # SCHED_OTHER
        words = " ".join(limits.split())
        for limit in (
            f"Max address space {160 * MIB}",
            "Max open files 32 32",
            f"Max file size {MIB}",
            "Max core file size 0 0",
            "Max locked memory 0 0",
            "Max processes 0 0",
        ):
            assert limit in words
        assert "told-to-nobody" not in kernel_says(worker, "environ")
        names = {str(one).partition(":")[0] for one in open_files(worker)}
        assert names == {"/dev/null", "socket", "pipe"}
        assert sum(str(one).startswith("socket") for one in open_files(worker)) == 1
        assert working_folder(worker) == scripts.root / "lua"


@pytest.mark.parametrize(
    "busy", ["coroutine.yield(50)", 'string.find(("a"):rep(200000), ("a-"):rep(40) .. "b")']
)
async def test_a_worker_ends_when_it_is_asked_to(tmp_path, busy):
    async with scripts_at_work(tmp_path) as scripts:
        await scripts.start(SLEEPING.replace("coroutine.yield(50)", f"coroutine.yield(50) {busy}"))
        worker = scripts.service._worker
        os.kill(pid(scripts), signal.SIGTERM)
        await scripts.until(lambda: worker._process.returncode == -signal.SIGTERM)


def test_a_worker_becomes_somebody_else_for_good_where_that_is_permitted(tmp_path):
    home = tmp_path / "theirs"
    home.mkdir()
    may = os.geteuid() == 0
    if may:
        os.chown(home, NOBODY.pw_uid, NOBODY.pw_gid)
        for folder in (tmp_path, *list(tmp_path.parents)[:-2]):
            folder.chmod(folder.stat().st_mode | 0o001)
    done, users, groups, others, back = become("nobody", home)
    if may:
        assert (done, back) == (True, False)
        assert (users, groups) == ([NOBODY.pw_uid] * 3, [NOBODY.pw_gid] * 3)
        assert others == [NOBODY.pw_gid]
    else:
        assert (done, users) == (False, [*os.getresuid()])


@pytest.mark.parametrize("user", ["nobody", "no-such-user-here"])
def test_a_worker_stays_who_it_is_when_the_other_could_not_work(tmp_path, user):
    home = tmp_path / "ours"
    home.mkdir(mode=0o700)
    done, users, groups, others, _ = become(user, home)
    assert not done
    assert (users, groups) == ([*os.getresuid()], [*os.getresgid()])
    assert sorted(others) == sorted(os.getgroups())


def become(user, home):
    ended = subprocess.run(
        [sys.executable, "-c", BECOMING, user, str(home)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return json.loads(ended.stdout)
