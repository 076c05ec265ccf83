import threading

from hvit_edge.errors import DeviceError
from hvit_edge.fleet.each_device import Done, log_name, on_each


def test_a_device_that_fails_does_not_stop_the_others(tmp_path):
    def work(device, log):
        log("asked")
        if device == "ssh://b":
            raise DeviceError("[device] gone")
        return device.upper()

    assert on_each(["ssh://a", "ssh://b", "local"], work, tmp_path / "logs") == [
        Done("ssh://a", "SSH://A"),
        Done("ssh://b", None, "[device] gone"),
        Done("local", "LOCAL"),
    ]
    lines = {path.name: path.read_text() for path in (tmp_path / "logs").iterdir()}
    assert set(lines) == {"ssh---a.log", "ssh---b.log", "local.log"}
    assert [line.split(" ", 1)[1] for line in lines["ssh---b.log"].splitlines()] == [
        "started", "asked", "failed: [device] gone",
    ]  # fmt: skip


def test_separate_devices_work_at_once_and_emulated_ones_in_turn():
    both = threading.Barrier(2, timeout=30)
    running = []

    def work(device, log):
        if device.startswith("ssh"):
            both.wait()  # passes only if the other one runs, too
            return 0
        running.append(device)
        most = len(running)
        running.remove(device)
        return most

    devices = ["qemu:a", "ssh://a", "qemu:b", "ssh://b", "local"]
    assert [done.result for done in on_each(devices, work)] == [1, 0, 1, 0, 1]


def test_names_of_logs_have_no_folders():
    assert log_name("ssh://pi@10.0.0.7:22") == "ssh---pi@10.0.0.7-22.log"
