"""The packages of hvit_edge form no cycle: what is lower imports nothing that is higher."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "python" / "hvit_edge"
DOCUMENT = ROOT / "docs" / "architecture.md"
MOST_MODULES = 10


def name_of(path: Path) -> str:
    """Return the package, or the module of the top level, that a file belongs to."""
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def imported(path: Path) -> set[str]:
    """Return the packages and modules of hvit_edge that a file imports anywhere."""
    modules = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module == "hvit_edge":
            modules += [f"hvit_edge.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            modules.append(node.module)
        elif isinstance(node, ast.Import):
            modules += [alias.name for alias in node.names]
    parts = [module.split(".") for module in modules if module.startswith("hvit_edge.")]
    return {part[1] for part in parts if (PACKAGE / part[1]).exists() or is_module(part[1])}


def is_module(name: str) -> bool:
    return (PACKAGE / f"{name}.py").exists()


def floors() -> list[list[str]]:
    """Return the floors that the document draws, the lowest first."""
    drawn = re.search(r"<!-- floors -->\n(.*?)<!-- end -->", DOCUMENT.read_text(), re.DOTALL)[1]
    rows = [re.findall(r"`(\w+)`", line) for line in drawn.splitlines() if line.startswith("|")]
    return [row for row in reversed(rows) if row]


@pytest.fixture(scope="module")
def imports() -> dict[str, dict[str, set[str]]]:
    """Return what each package imports, and in which files."""
    found: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for path in PACKAGE.rglob("*.py"):
        for other in imported(path) - {name_of(path)}:
            found[name_of(path)][other].add(str(path.relative_to(PACKAGE)))
    return found


def test_every_package_is_on_one_floor():
    drawn = [name for floor in floors() for name in floor]
    there = {name_of(path) for path in PACKAGE.rglob("*.py")} - {"__init__", "assets"}
    assert sorted(drawn) == sorted(there)


def test_a_package_imports_from_lower_floors_alone(imports):
    floor_of = {name: index for index, floor in enumerate(floors()) for name in floor}
    wrong = [
        f"{package} -> {other} in {sorted(files)}"
        for package, others in imports.items()
        for other, files in others.items()
        if package in floor_of and other in floor_of and floor_of[other] >= floor_of[package]
    ]
    assert wrong == []


def test_the_top_level_has_few_modules():
    modules = [path.stem for path in PACKAGE.glob("*.py")]
    assert len(modules) <= MOST_MODULES, modules


def test_a_cycle_would_be_seen(imports):
    floor_of = {name: index for index, floor in enumerate(floors()) for name in floor}
    assert floor_of["compiler"] > floor_of["targets"] > floor_of["lowering"]
    assert "targets" in imports["compiler"] and "lowering" in imports["targets"]
