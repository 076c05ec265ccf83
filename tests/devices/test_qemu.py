"""The QEMU device without QEMU: its temporary files and its errors."""

import gc
from pathlib import Path

import pytest

from hvit_edge.devices import qemu
from hvit_edge.devices.qemu import Qemu
from hvit_edge.errors import DeviceError


@pytest.fixture
def device(monkeypatch):
    monkeypatch.setattr(qemu, "known_cpus", lambda: ("cortex-a76",))
    return Qemu("cortex-a76")


def test_files_stay_where_they_are(device, tmp_path):
    (tmp_path / "a.pte").write_bytes(b"program")
    assert device.push(tmp_path / "a.pte", "d1gest.pte") == str(tmp_path / "a.pte")


def test_outputs_are_pulled_and_removed(device, tmp_path):
    Path(device.path("out")).write_bytes(b"logits")
    device.pull("out", tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == b"logits"
    device.remove("out")
    device.remove("out")
    with pytest.raises(DeviceError, match=r"qemu:cortex-a76: expected the output out, got No such"):
        device.pull("out", tmp_path / "again")


def test_its_folder_goes_with_it(monkeypatch):
    monkeypatch.setattr(qemu, "known_cpus", lambda: ("cortex-a76",))
    device = Qemu("cortex-a76")
    folder = Path(device.path("x")).parent
    assert folder.is_dir()
    del device
    gc.collect()
    assert not folder.exists()


def test_an_architecture_is_a_cpu_with_its_features(monkeypatch, tmp_path):
    """Armv8.6 has no SVE and no SME, unlike QEMU's largest CPU."""
    monkeypatch.setattr(qemu, "PROGRAM", "echo")
    monkeypatch.setattr(qemu, "LIBRARIES", Path("/nowhere"))
    monkeypatch.setattr(qemu, "known_cpus", lambda: ("max",))
    program = tmp_path / "hvit_edge_runner"
    program.write_bytes(b"static")
    device = Qemu("armv8.6")
    assert device.name == "qemu:armv8.6"
    assert device.run([str(program)]).stdout == f"-cpu max,sve=off,sme=off {program}\n".encode()


@pytest.mark.parametrize("content", [b"static", b"\x7fELF /lib/ld-linux-aarch64.so.1\0 dynamic"])
def test_guest_libraries_missing(content, monkeypatch, tmp_path):
    """Only a runner that names the guest's loader needs them."""
    monkeypatch.setattr(qemu, "LIBRARIES", Path("/nowhere"))
    monkeypatch.setattr(qemu, "PROGRAM", "echo")
    monkeypatch.setattr(qemu, "known_cpus", lambda: ("cortex-a76",))
    device = Qemu("cortex-a76")
    program = tmp_path / "hvit_edge_runner"
    program.write_bytes(content)
    if content == b"static":
        assert device.run([str(program)]).stdout == f"-cpu cortex-a76 {program}\n".encode()
        return
    expected = (
        r"expected /nowhere for the runner with ExecuTorch in QEMU.*apt install g\+\+-aarch64"
    )
    with pytest.raises(DeviceError, match=expected):
        device.run([str(program)])
