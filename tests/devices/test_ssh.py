"""Tests with a real sshd on the loopback of this machine, with new keys."""

import getpass
import os
import shutil
import socket
import subprocess
from dataclasses import asdict
from pathlib import Path

import pytest

from hvit_edge.devices import DeviceClassifier, Runner, open_device
from hvit_edge.devices.bundle import CHECKOUT
from hvit_edge.devices.ssh import Ssh
from hvit_edge.errors import DeviceError
from hvit_edge.fleet import validate as fleet
from hvit_edge.weights import bundled_photos

SSHD = shutil.which("sshd", path=os.environ["PATH"] + ":/usr/sbin")
needs_sshd = pytest.mark.skipif(SSHD is None, reason="needs sshd; on Debian: openssh-server")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A port where sshd lets this user in, and the client's configuration."""
    folder = tmp_path_factory.mktemp("ssh")
    for name in ("host", "user"):
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True
        )
    shutil.copy(folder / "user.pub", folder / "authorized_keys")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (folder / "sshd_config").write_text(
        f"ListenAddress 127.0.0.1:{port}\nHostKey {folder}/host\nPidFile none\nUsePAM no\n"
        f"AuthorizedKeysFile {folder}/authorized_keys\nStrictModes no\n"
        f"SetEnv HOME={folder}/home\n"
    )
    host_key = (folder / "host.pub").read_text()
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {host_key}")
    (folder / "config").write_text(
        f"IdentityFile {folder}/user\nIdentitiesOnly yes\nUserKnownHostsFile {folder}/known_hosts\n"
    )
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # sshd isolates itself there
    command = [SSHD, "-D", "-e", "-f", folder / "sshd_config"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as daemon:
        try:
            while "Server listening" not in (line := daemon.stderr.readline()):
                assert line, "sshd ended"
            yield port, folder
        finally:
            daemon.kill()


def connect(server, **changes):
    port, folder = server
    options = changes.get("options", ("-F", str(folder / "config")))
    return Ssh(f"{getpass.getuser()}@127.0.0.1", changes.get("port", port), options)


@needs_sshd
def test_a_photo_is_classified_behind_ssh(server, tiny_artifact, rounding):
    import hvit_edge

    runner = Runner(connect(server))
    assert runner.facts().architecture == os.uname().machine
    there = DeviceClassifier(tiny_artifact, runner, threads=1)
    here = hvit_edge.Classifier(tiny_artifact, threads=1)
    photo = bundled_photos()[0]
    for found, expected in zip(there(photo), here(photo), strict=True):
        assert (found.label, found.index) == (expected.label, expected.index)
        assert found.score == pytest.approx(expected.score, abs=1e-6)
    found, expected = (asdict(one.self_test()) for one in (there, here))
    assert found == pytest.approx(expected, rel=0, abs=rounding)
    kept = sorted(p.name for p in (server[1] / "home/.cache/hvit-edge").rglob("*") if p.is_file())
    kinds = [name for name in kept if not name.endswith((".pte", ".so"))]
    assert set(kinds) == {"hvit_edge_runner"}  # the small one, and the one that the program needs


@needs_sshd
def test_what_runs_there_ends_with_the_client(server, tmp_path, gone):
    (tmp_path / "slow").write_text("#!/bin/sh\necho $$ >&2\nexec sleep 100\n")
    (tmp_path / "slow").chmod(0o755)
    device, pids = connect(server), []
    path = device.push(tmp_path / "slow", "slow")

    def stop(line):
        pids.append(int(line))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        device.run([path], stop)
    assert gone(pids[0])


@needs_sshd
def test_refused_at_the_door(server, tmp_path):
    _, folder = server
    known = f"UserKnownHostsFile={folder}/known_hosts"
    stranger = connect(server, options=("-F", "none", "-o", known, "-o", "IdentityFile=none"))
    with pytest.raises(DeviceError, match=r"expected to reach ssh://.*got: .*Permission denied"):
        stranger.architecture()


def test_nobody_listens(tmp_path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        device = Ssh("127.0.0.1", probe.getsockname()[1], ("-F", "none"))
        with pytest.raises(DeviceError, match=r"expected to reach ssh://.*Connection refused") as e:
            device.architecture()
    assert e.value.exit_code == 5


@needs_sshd
@pytest.mark.skipif(shutil.which("qemu-aarch64") is None, reason="needs qemu-aarch64")
def test_a_fleet_of_two_emulated_cpus_and_a_machine_over_ssh(server, monkeypatch):
    here = {"ssh://here": connect(server)}
    monkeypatch.setattr(fleet, "open_device", lambda name: here.get(name) or open_device(name))
    artifact = CHECKOUT / "cpp/tests/data/precisions/native_int8_0.1.0.pte"
    report = fleet.validate_fleet(artifact, ["qemu:cortex-a76", "qemu:cortex-a53", "ssh://here"])
    assert report.passed, report
    assert [one.architecture for one in report.devices][:2] == ["aarch64", "aarch64"]
    assert max(one.difference.max_rel for one in report.devices) < 1e-5
