"""Test with the real adb client; `adb_server.py` offers this machine as its devices."""

import os
import shutil
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import hvit_edge
from hvit_edge.devices import DeviceClassifier, Runner
from hvit_edge.devices.adb import Adb
from hvit_edge.devices.process import Finished
from hvit_edge.errors import DeviceError
from hvit_edge.weights import bundled_photos

SERVER = Path(__file__).with_name("adb_server.py")
UNPLUG = "kill -USR1 $PPID; exec sleep 100; "  # run by the server, which then has no devices
needs_adb = pytest.mark.skipif(shutil.which("adb") is None, reason="needs adb; on Debian: adb")


@pytest.fixture
def plugged(tmp_path, monkeypatch):
    """`(*devices, before="") -> server`: its folder on the device and its process."""
    for name in ("ANDROID_SERIAL", "ADB_SERVER_SOCKET", "ANDROID_ADB_SERVER_ADDRESS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    servers = []

    def start(*devices, before=""):
        root = tmp_path / "device"
        root.mkdir(exist_ok=True)
        command = [sys.executable, SERVER, root, *devices, "--before", before]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        servers.append(server)
        port = server.stdout.readline().strip()
        assert port, "the server ended"
        monkeypatch.setenv("ANDROID_ADB_SERVER_PORT", port)
        return SimpleNamespace(folder=root / "hvit-edge", process=server)

    yield start
    for server in servers:
        with server:
            server.kill()


@pytest.fixture
def slow(tmp_path):
    """A program that prints its process number and continues."""
    path = tmp_path / "slow"
    path.write_text("#!/bin/sh\necho $$ >&2\nexec sleep 100\n")
    path.chmod(0o755)
    return path


def files(server):
    return sorted(path.name for path in server.folder.rglob("*") if path.is_file())


@needs_adb
def test_a_photo_is_classified_behind_adb(plugged, tiny_artifact, rounding):
    server = plugged("phone")
    runner = Runner(Adb("phone"))
    assert runner.facts().architecture == os.uname().machine
    there = DeviceClassifier(tiny_artifact, runner, threads=1)
    here = hvit_edge.Classifier(tiny_artifact, threads=1)
    photo = bundled_photos()[0]
    for found, expected in zip(there(photo), here(photo), strict=True):
        assert (found.label, found.index) == (expected.label, expected.index)
        assert found.score == pytest.approx(expected.score, abs=1e-6)
    found, expected = (asdict(one.self_test()) for one in (there, here))
    assert found == pytest.approx(expected, rel=0, abs=rounding)
    np.testing.assert_allclose(there.logits(photo), here.logits(photo), rtol=0, atol=rounding)
    kinds = [name for name in files(server) if not name.endswith((".pte", ".so"))]
    assert set(kinds) == {"hvit_edge_runner"}  # the small one, and the one that the program needs


@needs_adb
def test_push_run_pull_remove(plugged, tmp_path):
    server, device = plugged("phone"), Adb()
    content = bytes(range(256)) * 4096 + b"\r\n\x04\x1a"  # more than a packet; a terminal alters it
    (tmp_path / "raw").write_bytes(content)
    path = device.push(tmp_path / "raw", "d1gest/raw")
    assert path == "/data/local/tmp/hvit-edge/d1gest/raw"
    assert (server.folder / "d1gest/raw").read_bytes() == content
    device.pull("d1gest/raw", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == content
    script = f"cat {path} | wc -c; printf told >&2; exit 7"
    assert device.run(["sh", "-c", script.replace(path, "$0"), path]) == (
        7, b"%d\n" % len(content), "told"
    )  # fmt: skip
    device.remove("d1gest/raw")
    device.remove("d1gest/raw")
    assert files(server) == []


@needs_adb
def test_two_runs_at_once(plugged, tiny_artifact, rounding):
    server = plugged("phone")
    photos = [str(photo) for photo in bundled_photos()[:2]]
    here = hvit_edge.Classifier(tiny_artifact, threads=1)

    def logits(photo):
        return DeviceClassifier(tiny_artifact, Runner(Adb()), threads=1).logits_of([photo] * 3)

    with ThreadPoolExecutor(2) as pool:
        for photo, found in zip(photos, pool.map(logits, photos), strict=True):
            for one in found:
                np.testing.assert_allclose(one, here.logits(photo), rtol=0, atol=rounding)
    assert not [name for name in files(server) if name.startswith(("inputs", "outputs"))]


@needs_adb
def test_what_runs_there_ends_with_the_client(plugged, slow, gone):
    plugged("phone")
    device, pids = Adb(), []
    path = device.push(slow, "slow")

    def stop(line):
        pids.append(int(line))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        device.run([path], stop)
    assert gone(pids[0])


@needs_adb
def test_a_device_that_goes_away_during_a_run(plugged, slow, gone):
    server, device, pids = plugged("phone"), Adb(), []
    path = device.push(slow, "slow")

    def unplug(line):
        pids.append(int(line))
        server.process.send_signal(signal.SIGUSR1)
        return True

    with pytest.raises(DeviceError, match=r"reach adb, got: it went away before .* ended;") as e:
        device.run([path], unplug)
    assert e.value.exit_code == 5
    assert gone(pids[0])
    with pytest.raises(DeviceError, match=r"reach adb, got: error: no devices/emulators found;"):
        device.run([path])


USES = {
    "architecture": lambda device, file: device.architecture(),
    "push": lambda device, file: device.push(file, "x"),
    "run": lambda device, file: device.run(["true"]),
    "pull": lambda device, file: device.pull("x", file.with_name("back")),
}


@needs_adb
@pytest.mark.parametrize("use", USES)
def test_a_device_that_goes_away_in_a_command(use, plugged, slow):
    """The client of adb 29 then exits with 0, as if the command had succeeded."""
    plugged("phone", before=UNPLUG)
    with pytest.raises(DeviceError, match="expected to reach adb:phone, got: it went away before"):
        USES[use](Adb("phone"), slow)
    assert not slow.with_name("back").exists()


@needs_adb
def test_a_device_that_goes_away_while_it_is_written_to(plugged, tmp_path):
    server = plugged("phone", before=f"cat() {{ {UNPLUG}}}; ")
    (tmp_path / "raw").write_bytes(bytes(2**20))
    with pytest.raises(DeviceError, match="expected to reach adb, got: it went away before"):
        Adb().push(tmp_path / "raw", "raw")
    assert "raw" not in files(server)
    Adb().remove("raw")  # gone, and no error


UNUSABLE = {
    "another serial": (["phone"], "none", "error: device 'none' not found"),
    "none": ([], None, "error: no devices/emulators found"),
    "two": (["phone", "tablet"], None, "error: more than one device/emulator"),
    "offline": (["phone=offline"], "phone", "error: device offline"),
    "unauthorized": (["phone=unauthorized"], None, "error: device unauthorized."),
}


@needs_adb
@pytest.mark.parametrize("case", UNUSABLE)
def test_devices_that_cannot_be_used(case, plugged, slow):
    devices, serial, words = UNUSABLE[case]
    plugged(*devices)
    device = Adb(serial)
    for use in USES.values():
        with pytest.raises(DeviceError) as e:
            use(device, slow)
        assert f"[device] expected to reach {device.name}, got: {words};" in str(e.value)
        assert e.value.exit_code == 5


@needs_adb
def test_one_of_two(plugged):
    plugged("phone", "tablet=offline")
    assert Adb("phone").architecture() == os.uname().machine


@needs_adb
def test_full_disk_leaves_nothing(plugged, tmp_path):
    server = plugged("phone", before="ulimit -f 8; trap '' XFSZ; ")
    (tmp_path / "large").write_bytes(bytes(100_000))
    with pytest.raises(DeviceError, match=r"adb: expected to write .*large \(100000 bytes\), "
                                          r"got: .*File too large"):  # fmt: skip
        Adb().push(tmp_path / "large", "large")
    assert files(server) == []


@needs_adb
def test_a_script_that_fails_in_adbs_words(plugged):
    plugged("phone")
    done = Adb().run(["sh", "-c", "echo error: device offline >&2; exit 1"])
    assert done == Finished(1, b"", "error: device offline\n")


@needs_adb
def test_a_server_of_its_own(monkeypatch, tmp_path):
    """The real server has no devices."""
    monkeypatch.setenv("ANDROID_ADB_SERVER_PORT", "50371")  # not the user's own server
    monkeypatch.setenv("HOME", str(tmp_path))
    try:
        with pytest.raises(DeviceError, match=r"reach adb:none, got: .* device 'none' not found;"):
            Adb("none").architecture()
    finally:
        subprocess.run(["adb", "kill-server"], check=False)


TOLD = "told\nhvit-edge: status "
ENDS = {
    "as it should": (Finished(99, b"1", TOLD + "7\n"), Finished(7, b"1", "told\n")),
    "gone, adb 29": (Finished(0, b"1", "told\n"), None),
    "gone, later clients": (Finished(255, b"1", "told\n"), None),
    "gone before all was sent": (Finished(0, b"1", TOLD + "0\n"), None),
    "another 99": (Finished(99, b"1", TOLD + "0\nmore\n"), None),
}


@pytest.mark.parametrize("case", ENDS)
def test_how_the_client_ends(case):
    finished, expected = ENDS[case]
    found = Adb().ended(finished)
    assert Adb().unreachable(found) is (expected is None)
    assert expected in (None, found)


def test_no_client(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(DeviceError, match=r"\[device\] adb: expected to start adb, got No such"):
        Adb().architecture()
