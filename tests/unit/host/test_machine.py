import pytest

from evsed.host.machine import Machine

MEMINFO = "MemTotal: 900000 kB\nMemFree:   100 kB\nMemAvailable:  {} kB\n"


@pytest.fixture
def root(tmp_path):
    for name, text in {
        "proc/device-tree/model": "Raspberry Pi 4 Model B Rev 1.4\0",
        "proc/cpuinfo": "Hardware\t: BCM2835\nRevision\t: c03114\n",
        "proc/meminfo": MEMINFO.format(500),
        "proc/self/status": "Name:\tpython\nVmRSS:\t  42 kB\n",
        "proc/self/cgroup": "0::/system.slice/evsed.service\n",
        "etc/os-release": 'NAME="Debian GNU/Linux"\nVERSION_ID="12"\n',
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def limit(root, most, used):
    folder = root / "sys/fs/cgroup/system.slice/evsed.service"
    folder.mkdir(parents=True)
    (folder / "memory.max").write_text(f"{most}\n")
    (folder / "memory.current").write_text(f"{used}\n")


def test_model_and_revision_come_from_the_kernel(root):
    machine = Machine(root)
    assert (machine.chip, machine.revision) == ("Raspberry Pi 4 Model B", 4)


def test_a_simulated_board_has_a_simulated_chip(root):
    machine = Machine(root, simulated=True)
    assert (machine.chip, machine.revision) == ("simulator", 0)


def test_the_platform_names_interpreter_kernel_and_system(root):
    text = Machine(root).platform
    assert text.startswith("Python 3.")
    assert text.endswith("/ Debian 12")
    assert len(text) <= 96


def test_memory_is_told_in_bytes_and_the_least_is_remembered(root):
    machine = Machine(root)
    (root / "proc/meminfo").write_text(MEMINFO.format(900))
    memory = machine.memory()
    assert (memory.used, memory.free) == (42 * 1024, 900 * 1024)
    assert (memory.largest_block, memory.least_free) == (100 * 1024, 500 * 1024)


def test_the_limit_of_the_unit_counts_when_it_is_smaller(root):
    limit(root, 50_000, 40_000)
    assert Machine(root).memory().free == 10_000


def test_a_unit_without_a_limit_is_not_limited(root):
    limit(root, "max", 40_000)
    assert Machine(root).memory().free == 500 * 1024


def test_a_machine_that_tells_nothing_has_zeros(tmp_path):
    machine = Machine(tmp_path)
    memory = machine.memory()
    assert (machine.revision, memory.used, memory.free, memory.least_free) == (0, 0, 0, 0)
    assert machine.chip


def test_the_build_time_has_the_form_of_a_compiler(root):
    machine = Machine(root)
    assert machine.build_date()[3:4] == " "
    assert len(machine.build_date()) == len("Feb 21 2025")
    assert len(machine.build_time()) == len("07:13:00")


def test_uptime_counts_from_the_start(root):
    assert Machine(root).uptime_s() == 0
