"""The interfaces that docs/architecture.md lists exist, with the parameters that it names."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "docs/architecture.md").read_text()
LISTED = TEXT.partition("## Interfaces between the packages")[2].partition("\n## ")[0]
CALL = re.compile(r"\b([A-Za-z_]\w+)\(([^()]*)\)")
PARAMETER = re.compile(r"(\w+)(?:=.*|: .*)?")


@pytest.fixture(scope="module")
def defined() -> dict[str, list[set[str]]]:
    """Return the parameters and fields of each function and class of hvit_edge, by its name."""
    found = defaultdict(list)
    for path in (ROOT / "python/hvit_edge").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef):
                found[node.name].append(parameters(node))
            elif isinstance(node, ast.ClassDef):
                found[node.name].append(set(members(node)))
    return found


def parameters(node: ast.FunctionDef) -> set[str]:
    return {one.arg for one in ast.walk(node.args) if isinstance(one, ast.arg)}


def members(node: ast.ClassDef) -> list[str]:
    """Return the fields and methods of a class, and the parameters of its constructor."""
    names = []
    for one in ast.walk(node):
        if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name):
            names.append(one.target.id)
        elif isinstance(one, ast.FunctionDef):
            names.append(one.name)
            if one.name == "__init__":
                names += parameters(one)
    return names


def test_the_interfaces_exist(defined):
    named = set(re.findall(r"\b([A-Za-z_]\w+)\(", LISTED))
    assert len(named) > 40
    assert not named - defined.keys()


def test_their_parameters_are_those_of_the_code(defined):
    wrong = []
    for name, listed in CALL.findall(LISTED):
        parts = [part.strip() for part in listed.split(",")]
        wanted = {match[1] for part in parts if (match := PARAMETER.fullmatch(part))}
        if name in defined and not any(wanted <= known for known in defined[name]):
            wrong.append(f"{name}({listed})")
    assert not wrong
