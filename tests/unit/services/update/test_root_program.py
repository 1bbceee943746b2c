"""The program that installs as root: what it takes, what it refuses, how it goes back."""

import fcntl
import os
import signal

import pytest
from update_world import Key, built

OLD, NEW = "1.0-1", "9.9.9-1"
KILLED = -signal.SIGKILL


@pytest.fixture
def staged(root, key, package):
    """Return the machine with a good package of version 9.9.9-1 staged."""
    root.stage(package, key.signature(package))
    return root


def test_a_signed_package_is_installed_after_the_daemon_was_stopped(staged):
    status, said = staged.run()
    assert (status, staged.running) == (0, NEW)
    assert staged.result == ("installed", OLD, NEW, "")
    names = [call[0:2] for call in staged.calls if call[0] in {"systemctl", "apt-get"}]
    assert names[:2] == [["systemctl", "stop"], ["apt-get", "--quiet"]]
    assert "signed by release.pub" in said


def test_nothing_of_the_work_is_left_but_the_way_back(staged):
    staged.run()
    left = sorted(path.name for path in staged.own.iterdir())
    assert left == ["lock", "previous.deb", "program", "result.json"]


@pytest.mark.parametrize("mood", [{"broken": [NEW]}, {"looping": [NEW]}])
def test_a_version_that_does_not_become_ready_is_undone(staged, mood):
    staged.mood(**mood)
    status, _ = staged.run()
    assert (status, staged.running) == (1, OLD)
    assert staged.result == ("undone", OLD, NEW, "the new version did not become ready")
    assert not staged.interrupted


def test_a_version_that_ends_again_and_again_is_not_waited_for(staged):
    staged.mood(broken=[NEW], crashing=[NEW])
    assert staged.run("--ready", "1000", "--stable", "0.1")[0] == 1
    assert (staged.running, staged.result[0]) == (OLD, "undone")


def test_an_installation_that_fails_is_undone_with_its_last_words(staged):
    staged.mood(fail=["apt-get"])
    assert (staged.run()[0], staged.running) == (1, OLD)
    assert staged.result[3] == "apt-get ended with 100: E: no room"


def test_when_the_way_back_fails_too_the_next_boot_tries_again(staged):
    staged.mood(broken=[NEW], half="dpkg")
    staged.run()
    assert (staged.running, staged.interrupted) == (None, True)
    staged.reboot()
    assert (staged.running, staged.interrupted) == (OLD, False)


def test_a_second_update_goes_back_to_the_first(staged, key, workshop):
    staged.run()
    newer = built(workshop / "newer", version="10-1")
    staged.stage(newer, key.signature(newer))
    staged.mood(broken=["10-1"])
    assert (staged.run()[0], staged.running) == (1, NEW)
    assert staged.result[:3] == ("undone", NEW, "10-1")


#: words of a call, how many of them go well before the power goes, and what the new version is like
CUTS = [
    (["systemctl", "stop"], 0, "good"),
    (["apt-get"], 0, "good"),
    (["dpkg-query", "--showformat=${Version} ${Status}"], 0, "good"),
    (["systemctl", "start"], 0, "good"),
    (["systemctl", "show"], 0, "good"),
    (["systemctl", "show"], 1, "broken"),
    (["systemctl", "stop"], 1, "broken"),
    (["dpkg", "--install"], 0, "broken"),
    (["systemctl", "start"], 1, "broken"),
]


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize(("words", "good", "version"), CUTS)
def test_the_power_may_be_cut_at_any_moment(staged, words, good, version, moment):
    broken = [NEW] if version == "broken" else []
    staged.mood(broken=broken, cut=(words, good, moment))
    assert staged.run()[0] == KILLED
    staged.reboot()
    assert staged.running in {OLD, NEW}
    assert staged.running not in broken
    assert not staged.interrupted
    assert staged.result[0] in {"installed", "undone"}


@pytest.mark.parametrize("half", ["apt-get", "dpkg"])
def test_a_package_that_is_neither_old_nor_new_is_mended_at_the_next_boot(staged, half):
    staged.mood(half=half, broken=[NEW])
    staged.run()
    assert staged.running is None
    staged.reboot()
    assert (staged.running, staged.interrupted) == (OLD, False)


def test_a_journal_that_cannot_be_read_means_the_way_back(staged):
    staged.run()
    (staged.own / "journal.json").write_text("{")
    staged.reboot()
    assert (staged.running, staged.interrupted) == (OLD, False)


def refusal(root):
    """Run it; return why nothing was changed."""
    status, _ = root.run()
    assert status == 1
    assert root.running == OLD
    assert not [call for call in root.calls if call[0] in {"apt-get", "systemctl"}]
    assert not [call for call in root.calls if "--install" in call]
    outcome, _, _, why = root.result
    assert outcome == "refused"
    return why


def test_without_a_package_there_is_nothing_to_do(root):
    assert refusal(root) == "there is no staged package"


def test_while_others_install_packages_the_charger_goes_on(root, package, key):
    lock = root.path / "var/lib/dpkg/lock-frontend"
    lock.parent.mkdir(parents=True, exist_ok=True)
    root.stage(package, key.signature(package))
    with lock.open("wb") as held:
        fcntl.lockf(held, fcntl.LOCK_EX)
        assert refusal(root) == "somebody else is installing packages"
    root.stage(package, key.signature(package))
    assert (root.run()[0], root.running) == (0, NEW)


def test_an_administrator_s_file_that_others_can_write_permits_nothing(root, package):
    file = root.path / "etc/evsed/evsed.yaml"
    file.write_text("update:\n  allowUnsigned: true\n")
    file.chmod(0o666)
    root.stage(package)
    assert refusal(root) == "the package is not signed"


def test_an_unsigned_package_is_refused(root, package):
    root.stage(package)
    assert refusal(root) == "the package is not signed"


def test_the_administrator_may_permit_unsigned_packages(root, package):
    (root.path / "etc/evsed/evsed.yaml").write_text("update:\n  allowUnsigned: true  # at home\n")
    root.stage(package)
    assert (root.run()[0], root.running) == (0, NEW)


@pytest.mark.parametrize(
    "text",
    [
        "update: {allowUnsigned: true}\n",
        "# update:\n#  allowUnsigned: true\n",
        "update:\n  enabled: true\nother:\n  allowUnsigned: true\n",
        "update:\n  allowUnsigned: yes\n",
        'note: "\n  allowUnsigned: true"\nupdate:\n',
    ],
)
def test_what_is_not_plainly_permitted_is_not_permitted(root, package, text):
    (root.path / "etc/evsed/evsed.yaml").write_text(text)
    root.stage(package)
    assert refusal(root) == "the package is not signed"


def test_a_changed_package_is_refused(root, key, package):
    root.stage(package[:-1] + b"?", key.signature(package))
    assert refusal(root) == "the package is not signed by a trusted key"


def test_a_key_of_a_stranger_is_not_trusted(root, package, tmp_path):
    root.stage(package, Key(tmp_path, "stranger").signature(package))
    assert refusal(root) == "the package is not signed by a trusted key"


def test_a_key_that_others_may_write_is_not_trusted(staged):
    (staged.keys / "release.pub").chmod(0o664)
    assert "trusted key" in refusal(staged)


def test_a_folder_of_keys_that_others_may_write_is_not_trusted(staged):
    staged.keys.chmod(0o777)
    assert "trusted key" in refusal(staged)


def test_keys_may_be_elsewhere(staged):
    elsewhere = staged.path / "srv/keys"
    elsewhere.parent.mkdir()
    staged.keys.rename(elsewhere)
    (staged.path / "etc/evsed/evsed.yaml").write_text('update:\n  keys: "/srv/keys"\n')
    assert (staged.run()[0], staged.running) == (0, NEW)


def test_a_package_of_another_name_is_refused(root, key, workshop):
    other = built(workshop / "other", name="evsed-evil")
    root.stage(other, key.signature(other))
    assert refusal(root) == "the package is 'evsed-evil', not evsed"


def test_a_package_for_another_machine_is_refused(root, key, workshop):
    foreign = built(workshop / "foreign", architecture="s390x")
    root.stage(foreign, key.signature(foreign))
    assert refusal(root) == "the package is not for amd64"


def test_what_is_no_package_is_refused_even_if_it_is_signed(root, key):
    root.stage(b"#!/bin/sh\n", key.signature(b"#!/bin/sh\n"))
    assert refusal(root).startswith("dpkg-deb ended with 2")


def test_a_package_that_is_cut_off_is_refused_even_if_it_is_signed(root, key, package):
    root.stage(package[:-3000], key.signature(package[:-3000]))
    assert refusal(root).startswith("dpkg-deb ended with")


@pytest.mark.parametrize("name", ["evsed.deb", "evsed.deb.minisig"])
@pytest.mark.parametrize("kind", ["link", "hard link", "pipe", "folder"])
def test_only_plain_files_are_taken(staged, tmp_path, name, kind):
    file, secret = staged.staged / name, tmp_path / "secret"
    file.rename(secret)
    match kind:
        case "link":
            file.symlink_to(secret)
        case "hard link":
            file.hardlink_to(secret)
        case "pipe":
            os.mkfifo(file)
        case "folder":
            file.mkdir()
    assert refusal(staged).startswith(name)


def test_a_link_in_place_of_the_folder_is_not_followed(staged, tmp_path):
    staged.staged.rename(tmp_path / "elsewhere")
    staged.staged.symlink_to(tmp_path / "elsewhere")
    assert refusal(staged).startswith("evsed.deb: Not a directory")


def test_a_package_that_is_too_large_is_not_even_verified(root, key):
    with (root.staged / "evsed.deb").open("wb") as file:
        file.truncate(64 * 1024 * 1024 + 1)
    assert refusal(root) == "evsed.deb is larger than 67108864 bytes"
    assert root.calls == []


def test_two_do_not_work_at_once(staged):
    staged.run()
    with (staged.own / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        status, said = staged.run()
    assert (status, "another update is running" in said) == (1, True)
