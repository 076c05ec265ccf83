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


MACHINE = {"cpu": "c", "architecture": "a", "cores": 1, "packages": {}, "date": "d"}


def test_each_device_has_a_table_of_its_own_counts(load):
    arm = load("tables/arm.py")
    row = {"model": "tiny", "precision": "native int8", "machine": 0}
    rows = [
        {**row, "device": arm.A76, "instructions": {"total": 5_100_000}},
        {**row, "device": arm.ARMV8_6, "instructions": {"total": 3_200_000}},
        {**row, "device": arm.ARMV8_6, "precision": "litert fp32", "package": "litert 2",
         "instructions": {"total": 11_900_000}},
    ]  # fmt: skip
    report = {"machines": [MACHINE], "rows": rows}
    before, after = (arm.instructions_table(d, report) for d in (arm.A76, arm.ARMV8_6))
    assert "| native int8 | 5.1 M |" in before
    assert "LiteRT" not in before
    assert "| native int8 | 3.2 M |\n| LiteRT fp32 | 11.9 M |" in after
    assert "qemu:armv8.6; empty" in after
    assert after.endswith("litert 2.")


def test_estimates_with_misses_have_a_median_of_one(load):
    row = {"model": "tiny", "core": "Cortex-A75", "device": "phone", "source": "s",
           "estimated_ms": 9.0, "published_ms": 10.0, "ms_with_misses": 8.0}  # fmt: skip
    other = {**row, "core": "Cortex-A76", "ms_with_misses": 10.0}
    slow = {**other, "ms_with_misses": 12.0}
    arm, report = load("tables/arm.py"), {"machine": MACHINE, "rows": [row, other, slow]}
    text = arm.cores_table(report)
    assert "| tiny | Cortex-A75, phone | 9.0 ms | 10.0 ms | 0.90 | 0.80 | s |" in text
    assert "| 0.90 | 1.00 | s |" in text
    del slow["ms_with_misses"]
    assert "with misses" not in arm.cores_table(report)
    assert "| tiny | Cortex-A75, phone | 9.0 ms | 10.0 ms | 0.90 | s |" in arm.cores_table(report)


def test_misses_are_listed_by_kind_of_operator_and_core(load):
    kernels = {"gemm": [4000, 2000, 1000], "softmax": [1000, 0, 0]}
    cores = {
        "A": {"line": 64, "all": [5100, 2000, 1000], "kernels": kernels},
        "B": {"line": 128, "all": [2000, 0, 0], "kernels": {"gemm": [2000, 0, 0]}},
    }
    report = {"machine": MACHINE, "rows": [{"program": "tiny", "cores": cores}]}
    text = load("tables/arm.py").misses_table(report)
    assert "|  | tiny, A | tiny, B |" in text
    assert "| gemm | 4.0 / 2.0 / 1.0 | 2.0 / 0.0 / 0.0 |" in text
    assert "| softmax | 1.0 / 0.0 / 0.0 | 0.0 / 0.0 / 0.0 |" in text
    assert "| all | 5.1 / 2.0 / 1.0 | 2.0 / 0.0 / 0.0 |" in text
    assert "64 bytes (A), 128 bytes (B)" in text
