"""Check results that are stored row by row, from one machine or several."""

import json

import pytest

MACHINE = {"architecture": "a", "cores": 2, "packages": {"torch": "2"}}
FAST, SLOW = ({"cpu": cpu, **MACHINE, "date": "2026-11-20"} for cpu in ("fast", "slow"))


@pytest.fixture
def put(load, monkeypatch, tmp_path):
    """Return `(machine, model, value) -> report`, for one file."""
    rows, file = load("measure/rows.py"), tmp_path / "results.json"

    def put_one(machine, model, value, **facts):
        monkeypatch.setattr(rows, "describe_machine", lambda: machine)
        rows.put_row(file, {"model": model}, {"value": value}, lambda row: row["model"], **facts)
        return json.loads(file.read_text())

    return put_one


def test_rows_know_their_machine(put):
    put(FAST, "b", 1)
    report = put(SLOW, "a", 2, photos=4)
    assert report["machines"] == [FAST, SLOW]
    assert report["photos"] == 4
    assert report["rows"] == [
        {"model": "a", "value": 2, "machine": 1},
        {"model": "b", "value": 1, "machine": 0},
    ]


def test_a_new_row_takes_the_place_of_the_old_one_and_of_its_machine(put):
    put(FAST, "b", 1)
    put(SLOW, "a", 2)
    report = put(SLOW, "b", 3)
    assert report["machines"] == [SLOW]
    assert report["rows"] == [
        {"model": "a", "value": 2, "machine": 0},
        {"model": "b", "value": 3, "machine": 0},
    ]


def test_only_json_is_printed(put, capsys):
    put(FAST, "b", 1)
    assert json.loads(capsys.readouterr().out) == {"model": "b", "value": 1}


def test_machines_are_named_once_with_their_days(load):
    later = {**FAST, "date": "2026-11-29"}
    name = load("measure/machine.py").name_machine
    assert name({"machine": FAST}) == "fast, a, 2 cores, torch 2, 2026-11-20"
    assert name({"machines": [FAST, SLOW, later]}) == (
        "fast, a, 2 cores, torch 2, 2026-11-20 to 2026-11-29; slow, a, 2 cores, torch 2, 2026-11-20"
    )
