"""Check the table of the time that masks and boxes add to a network."""

MACHINE = {
    "cpu": "X", "architecture": "x86_64", "cores": 2, "packages": {"hvit-edge": "0.1.0"},
    "date": "2026-12-01",
}  # fmt: skip
ROW = {
    "model": "deeplabv3_mobilevit_xxs", "task": "segment", "target": "native", "precision": "fp32",
    "side": 512, "rounds": 20, "network_ms": 99.96, "added_ms": 0.452, "ratio": 0.0046,
    "instruction_set": "avx2", "machine": 0,
}  # fmt: skip


def test_the_share_of_the_network(load):
    table = load("tables/masks.py").masks_table({"machines": [MACHINE], "rows": [ROW]})
    lines = table.splitlines()
    assert lines[2] == (
        "| deeplabv3_mobilevit_xxs | segment | fp32 | 512x512 | 100.0 ms | 0.45 ms | 0.5% |"
    )
    assert "One thread, CPU time, target native, avx2." in lines[-1]
    assert "Medians of 20 rounds" in lines[-1]
