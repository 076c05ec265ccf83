import pytest

from hvit_edge.fleet import readings
from hvit_edge.fleet.readings import Reading, parsed, read_device


def test_the_hottest_sensor_and_the_fastest_core_count():
    assert parsed("41000\n-273000\n58500\n200000\nclock\n1800000\n2400000\n") == Reading(58.5, 2400)


@pytest.mark.parametrize("printed", ["", "clock\n", "cat: denied\nclock\n"])
def test_a_device_may_report_nothing(printed):
    assert parsed(printed) == Reading(None, None)


def test_a_device_with_a_shell_is_asked(monkeypatch, tmp_path, shell):
    (tmp_path / "temp").write_text("52000\n")
    monkeypatch.setattr(readings, "SCRIPT", f"cat {tmp_path}/temp; echo clock; echo 1500000")
    monkeypatch.setattr(readings, "open_device", lambda address: shell(tmp_path))
    assert read_device("ssh://a") == read_device("local") == Reading(52, 1500)


def test_a_lost_device_has_no_readings(monkeypatch, tmp_path, shell):
    monkeypatch.setattr(readings, "open_device", lambda address: shell(tmp_path, "exit 255; "))
    assert read_device("ssh://a") == Reading()


def test_an_emulated_cpu_has_no_readings(monkeypatch):
    monkeypatch.setattr(readings, "open_device", lambda address: object())
    assert read_device("qemu:cortex-a76") == Reading()
