import sys
import threading

import pytest

from hvit_edge.devices.process import finish
from hvit_edge.errors import DeviceError


def sh(script, **options):
    return finish(["sh", "-c", script], **{"where": "here", "idle_seconds": 20, **options})


def test_status_and_both_streams():
    done = sh("printf 'a\\0b\\n'; echo first >&2; echo last >&2; exit 3")
    assert (done.status, done.stdout, done.stderr) == (3, b"a\0b\n", "first\nlast\n")
    assert done.last_words == "last"


def test_lines_that_are_taken_are_left_out():
    taken = []

    def take(line):
        taken.append(line)
        return line.startswith("progress")

    done = sh("echo progress 1 2 >&2; echo other >&2", on_line=take)
    assert (taken, done.stderr) == (["progress 1 2", "other"], "other\n")


def test_stdin_is_a_file_or_stays_open(tmp_path):
    (tmp_path / "in").write_bytes(b"from a file")
    with open(tmp_path / "in", "rb") as file:
        assert sh("cat", stdin=file).stdout == b"from a file"
    assert sh("timeout 0.2 cat; echo $?").stdout == b"124\n"


def test_silence_ends_in_an_error_and_kills(tmp_path, gone):
    with pytest.raises(DeviceError, match=r"\[device\] here: expected an answer within 0.3 s"):
        sh(f"echo $$ >{tmp_path}/pid; exec sleep 100", idle_seconds=0.3)
    assert gone(int((tmp_path / "pid").read_text()))


def test_an_interrupt_kills_with_all_children(tmp_path, gone):
    def interrupt(line):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sh(f"sleep 100 & echo $! >{tmp_path}/pid; echo ready >&2; wait", on_line=interrupt)
    assert gone(int((tmp_path / "pid").read_text()))


def test_another_thread_stops_it(tmp_path, gone):
    stop = threading.Event()
    with pytest.raises(DeviceError, match="stopped before it was done"):
        sh(
            f"echo $$ >{tmp_path}/pid; echo ready >&2; exec sleep 100",
            stop=stop,
            on_line=lambda line: stop.set(),
        )
    assert gone(int((tmp_path / "pid").read_text()))


def test_no_such_command():
    with pytest.raises(DeviceError, match=r"expected to start no-such-command, got No such file"):
        finish(["no-such-command"], where="here", idle_seconds=1)


def test_killed_by_a_signal():
    script = "import os, signal; os.kill(os.getpid(), signal.SIGILL)"
    assert finish([sys.executable, "-c", script], where="here", idle_seconds=20).status == -4
