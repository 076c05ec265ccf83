import pytest

from hvit_edge.devices import open_device
from hvit_edge.devices import qemu as qemu_module
from hvit_edge.devices.adb import Adb
from hvit_edge.devices.qemu import Qemu
from hvit_edge.devices.ssh import Ssh
from hvit_edge.errors import DeviceError, InputError


@pytest.fixture
def cpus(monkeypatch):
    monkeypatch.setattr(qemu_module, "known_cpus", lambda: ("cortex-a53", "cortex-a76"))


SSH = {
    "ssh://pi@10.0.0.7": ["--", "pi@10.0.0.7"],
    "ssh://board.local:2222": ["-p", "2222", "--", "board.local"],
}


@pytest.mark.parametrize("address", SSH)
def test_ssh(address):
    device = open_device(address)
    assert isinstance(device, Ssh)
    assert device.name == address
    command = device.command("uname -m")
    assert command[0] == "ssh"
    assert "BatchMode=yes" in command
    assert command[-len(SSH[address]) - 1 :] == [*SSH[address], "uname -m"]


def test_adb():
    *client, script = open_device("adb").command("ls")
    assert client == ["adb", "shell", "-T"]
    assert "\nls\n" in script
    device = open_device("adb:emulator-5554")
    assert isinstance(device, Adb)
    assert device.command("ls")[:-1] == ["adb", "-s", "emulator-5554", "shell", "-T"]


def test_qemu(cpus):
    device = open_device("qemu:cortex-a76", qemu_options=["-plugin", "x"])
    assert isinstance(device, Qemu)
    assert (device.name, device.architecture()) == ("qemu:cortex-a76", "aarch64")


def test_cpu_that_qemu_does_not_know(cpus):
    with pytest.raises(InputError, match=r"got 'cortex-a77'; did you mean 'cortex-a76'\?"):
        open_device("qemu:cortex-a77")
    with pytest.raises(InputError, match=r"'armv8.6'\?.* and armv8.6 is one more"):
        open_device("qemu:armv86")


def test_no_qemu(monkeypatch):
    qemu_module.known_cpus.cache_clear()
    monkeypatch.setenv("PATH", "")
    with pytest.raises(DeviceError, match=r"expected qemu-aarch64.*apt install qemu-user"):
        open_device("qemu:cortex-a76")
    qemu_module.known_cpus.cache_clear()


@pytest.mark.parametrize(
    "address",
    ["", "qemu", "qemu:", "ssh:pi@host", "ssh://", "ssh://-oProxyCommand=x", "ssh://a b",
     "ssh://host:0", "ssh://host:70000", "ssh://host:x", "adb:", "usb", "Local"],
)  # fmt: skip
def test_other_forms_are_refused(address):
    with pytest.raises(InputError, match=r"\[device\] expected local, qemu:CPU .* got "):
        open_device(address)


def test_this_machine_needs_no_device():
    remedy = r"run it in this process with hvit_edge\.Classifier or hvit_edge\.Session"
    with pytest.raises(InputError, match=rf"\[device\] expected .*, got 'local'; {remedy}"):
        open_device("local")
