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
