import os

import pytest

from hvit_edge.devices import LOCAL
from hvit_edge.devices.addresses import addresses_of, names_several
from hvit_edge.errors import DeviceError, InputError


@pytest.fixture
def adb(tmp_path, monkeypatch):
    """Return a function that makes `adb devices` print lines."""

    def lists(*lines, status=0):
        program = tmp_path / "bin/adb"
        program.parent.mkdir(exist_ok=True)
        listed = "".join(f"echo '{line}'\n" for line in ("List of devices attached", *lines))
        program.write_text(f"#!/bin/sh\n{listed}exit {status}\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", str(program.parent), prepend=os.pathsep)

    return lists


def test_one_address_is_one_device():
    assert not names_several("ssh://pi@10.0.0.7") and not names_several(LOCAL)
    assert all(map(names_several, ("local,adb", "adb:*", "fleet.toml")))


def test_addresses_keep_their_order():
    assert addresses_of("ssh://b, local,ssh://a:22") == ["ssh://b", "local", "ssh://a:22"]


def test_a_file_lists_addresses(tmp_path):
    (tmp_path / "fleet.toml").write_text('devices = [\n "ssh://a",\n "ssh://b",\n]\n')
    assert addresses_of(f"local,{tmp_path / 'fleet.toml'}") == ["local", "ssh://a", "ssh://b"]


@pytest.mark.parametrize("content", ["", "devices = []", "devices = [1]", 'device = ["a"]', "x"])
def test_a_file_of_another_form_is_refused(tmp_path, content):
    path = tmp_path / "fleet.toml"
    path.write_text(content)
    with pytest.raises(InputError, match=r"fleet\.toml: expected a TOML file with devices = \["):
        addresses_of(str(path))


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(InputError, match="got: No such file or directory; name another"):
        addresses_of(str(tmp_path / "fleet.toml"))


def test_every_phone_that_is_ready_is_used(adb):
    adb("emulator-5554\tdevice", "R58M\tdevice", "0123\tunauthorized")
    assert addresses_of("adb:*") == ["adb:emulator-5554", "adb:R58M"]


def test_no_phone_is_an_error(adb):
    adb("0123\tunauthorized")
    with pytest.raises(DeviceError, match="at least one phone that is ready, got 0123 is unauth"):
        addresses_of("adb:*")
    adb(status=1)
    with pytest.raises(DeviceError, match="expected adb to list the phones"):
        addresses_of("adb:*")


def test_without_adb_there_is_a_remedy(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DeviceError, match=r"expected adb for adb:\*, got none; install it"):
        addresses_of("adb:*")


def test_wrong_and_repeated_addresses_are_refused():
    with pytest.raises(InputError, match="expected each device once, got ssh://a twice"):
        addresses_of("ssh://a,ssh://b,ssh://a")
    with pytest.raises(InputError, match="expected local, qemu:CPU"):
        addresses_of("ssh://a,,ssh://b")
