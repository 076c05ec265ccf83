import os

import pytest

from hvit_edge.errors import DeviceError


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "with a space"


@pytest.fixture
def program(tmp_path):
    """Prints its arguments and complains."""
    path = tmp_path / "program"
    path.write_text('#!/bin/sh\nfor word in "$@"; do echo "<$word>"; done\necho told >&2\nexit 7\n')
    path.chmod(0o755)
    return path


def test_push_run_pull_remove(folder, program, tmp_path, shell):
    device = shell(folder)
    path = device.push(program, "d1gest/program")
    assert (folder / "d1gest/program").read_bytes() == program.read_bytes()
    assert os.access(folder / "d1gest/program", os.X_OK)
    done = device.run([path, "a b", "$HOME;", device.path("out")])
    assert done.status == 7
    assert done.stdout.decode().splitlines() == ["<a b>", "<$HOME;>", f"<{folder}/out>"]
    assert done.stderr == "told\n"
    device.pull("d1gest/program", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == program.read_bytes()
    device.remove("d1gest/program")
    device.remove("d1gest/program")
    assert os.listdir(folder / "d1gest") == []


def test_a_file_is_pushed_once(folder, program, shell):
    device = shell(folder)
    device.push(program, "name")
    (folder / "name").write_text("there already")
    device.push(program, "name")
    assert (folder / "name").read_text() == "there already"


def test_full_disk_leaves_nothing(folder, tmp_path, shell):
    (tmp_path / "large").write_bytes(bytes(100_000))
    device = shell(folder, before="ulimit -f 8; trap '' XFSZ; ")
    with pytest.raises(DeviceError, match=r"shell: expected to write .*large.* \(100000 bytes\), "
                                          r"got: .*File too large"):  # fmt: skip
        device.push(tmp_path / "large", "large")
    assert os.listdir(folder) == []


def test_output_that_is_not_there(folder, tmp_path, shell):
    with pytest.raises(DeviceError, match=r"expected the output out, got: .*No such file"):
        shell(folder).pull("out", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_unreachable(folder, program, shell):
    device = shell(folder, before="echo no route to host >&2; exit 255; ")
    for use in (device.architecture, lambda: device.push(program, "x"), lambda: device.run(["x"])):
        with pytest.raises(DeviceError, match="expected to reach shell, got: no route to host"):
            use()
    device.remove("x")  # gone, and no error


def test_architecture_is_asked_once(folder, shell):
    device = shell(folder)
    assert device.architecture() == os.uname().machine
    device.before = "exit 255; "
    assert device.architecture() == os.uname().machine


def test_what_runs_ends_with_the_connection(folder, tmp_path, shell, gone):
    """The program on a device ends if the connection is lost or the user presses Ctrl-C."""
    (tmp_path / "slow").write_text("#!/bin/sh\necho $$ >&2\nexec sleep 100\n")
    (tmp_path / "slow").chmod(0o755)
    device, pids = shell(folder), []

    def stop(line):
        pids.append(int(line))
        device.stop.set()

    # It has its own session, as with sshd, so killing the local client does not reach it.
    device.command = lambda script: ["sh", "-c", 'setsid sh -c "$0" <&0', script]
    path = shell(folder).push(tmp_path / "slow", "slow")
    with pytest.raises(DeviceError, match="stopped"):
        device.run([path], stop)
    assert gone(pids[0])
