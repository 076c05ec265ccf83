"""The files whose tests come first, because they take longest, exist."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_slowest_files_exist():
    tree = ast.parse((ROOT / "tests/conftest.py").read_text())
    (value,) = [
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "SLOWEST"
    ]
    slowest = ast.literal_eval(value)
    assert slowest and all((ROOT / name).is_file() for name in slowest)
