"""Check the tables of instruction counts."""


def test_a_rewrite_is_worth_what_is_more_without_it(load):
    machine = {"cpu": "c", "architecture": "a", "cores": 1, "packages": {}, "date": "d"}
    rows = [
        {"model": "tiny", "without": "none", "instructions": 1000},
        {"model": "tiny", "without": "fold", "instructions": 1066},
        {"model": "tiny", "without": "split", "needed": "2 delegates"},
        {"model": "tiny", "without": "level", "instructions": 999.9},
        {"model": "other", "without": "none", "instructions": 500},
        {"model": "other", "without": "fold", "applies": False},
        {"model": "other", "without": "split", "instructions": 499},
    ]
    text = load("tables/arm.py").rewrites_table({"machine": machine, "rows": rows})
    assert "| without | tiny | other |" in text
    assert "| fold | +6.6% |  |" in text
    assert "| split | needed | -0.2% |" in text
    assert "| level | +0.0% |  |" in text
    assert "none" not in text.split("More")[0]


def test_starts_are_listed_by_program_and_runner(load):
    machine = {"cpu": "c", "architecture": "a", "cores": 1, "packages": {}, "date": "d"}
    row = {"program": "tiny", "bytes": 20_000, "device": "qemu:x", "machine": 0, "start": 260_000}
    rows = [
        {**row, "runner": "small", "runner_bytes": 1_400_000, "inference": 240_000},
        {**row, "runner": "full", "runner_bytes": 12_700_000, "inference": 250_000},
    ]
    text = load("tables/arm.py").start_table({"machines": [machine], "rows": rows})
    assert "| tiny (0.02 MB) | small | 0.26 M | 0.24 M | 1.40 MB |" in text
    assert "| tiny (0.02 MB) | full | 0.26 M | 0.25 M | 12.70 MB |" in text
    assert "One thread, qemu:x; c, a, 1 cores" in text
