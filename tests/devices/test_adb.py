"""The real adb client, with no device; nothing here has seen a phone."""

import shutil
import subprocess

import pytest

from hvit_edge.devices.adb import Adb
from hvit_edge.devices.process import Finished
from hvit_edge.errors import DeviceError


@pytest.mark.skipif(shutil.which("adb") is None, reason="needs adb; on Debian: adb")
def test_no_such_device(monkeypatch, tmp_path):
    monkeypatch.setenv("ANDROID_ADB_SERVER_PORT", "50371")  # not the user's own server
    monkeypatch.setenv("HOME", str(tmp_path))
    try:
        with pytest.raises(DeviceError, match=r"expected to reach adb:none, got: .*'none'.*") as e:
            Adb("none").architecture()
    finally:
        subprocess.run(["adb", "kill-server"], check=False)
    assert e.value.exit_code == 5


def test_no_client(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(DeviceError, match=r"\[device\] adb: expected to start adb, got No such"):
        Adb().architecture()


WORDS = {
    "adb: device 'x' not found": True,
    "error: no devices/emulators found": True,
    "adb: device unauthorized.": True,
    "error: device offline": True,
    "ls: nothing: No such file or directory": False,
}


@pytest.mark.parametrize("words", WORDS)
def test_what_adb_says_and_what_the_device_says(words):
    assert Adb().unreachable(Finished(1, b"", words + "\n")) is WORDS[words]
