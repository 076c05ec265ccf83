"""Check the tables of instruction sets and of changes of the kernels."""

MACHINE = {
    "cpu": "X", "architecture": "x86_64", "cores": 2, "packages": {"hvit-edge": "0.1.0"},
    "date": "2026-12-01",
}  # fmt: skip
ROW = {
    "model": "swin_t", "set": "avx2", "fp32_ms": 90.04, "int8_ms": 68.96,
    "share_of_fp32_peak": 0.744, "load_average_before": 2.5, "machine": 0,
}  # fmt: skip
TRIAL = {
    "change": "SiLU without division", "kept": False, "program": "mobilevit_xs-fp32", "set": "avx2",
    "before_ms": 24.13, "after_ms": 24.39, "load_average_before": 12.0, "machine": 0,
}  # fmt: skip


def test_times_and_shares(load):
    table = load("tables/instruction_sets.py").times_table({"machines": [MACHINE], "rows": [ROW]})
    lines = table.splitlines()
    assert lines[2] == "| avx2 | swin_t | 90.0 ms | 69.0 ms | 0.77 | 74% |"
    assert "Load average before the rounds 2.5 to 2.5." in lines[-1]


def test_changes_that_gained_nothing(load):
    table = load("tables/instruction_sets.py").trials_table(
        {"machines": [MACHINE], "rows": [TRIAL]}
    )
    assert table.splitlines()[2] == (
        "| SiLU without division | no | mobilevit_xs-fp32 | avx2 | 24.1 ms | 24.4 ms | 1.01 |"
    )


def test_times_are_the_least_of_each_operation(load, monkeypatch):
    module = load("measure/least_times.py")
    turns = iter([[1.0, 5.0], [2.0, 2.0], [3.0, 1.0], [1.5, 4.0]])
    monkeypatch.setattr(module.Build, "turn", lambda self: next(turns))
    build = module.Build("runner", "a.pte", "avx2")
    assert module.least_times({"before": build, "after": build}, 2) == {"before": 2.0, "after": 3.5}
