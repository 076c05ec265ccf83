"""Every name that our files import from hvit_edge exists, also in imports inside of functions.

No module is run: a moved function that one lazy import still looks for in the old place is found at
once, and not only by the test that runs that line.
"""

import ast
from functools import cache
from pathlib import Path

import pytest

from hvit_edge import _PUBLIC

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "python/hvit_edge"
FOLDERS = ("python", "tests", "benchmarks", "tools", "examples", "mobile", "cpp")


@cache
def modules() -> dict[str, set[str]]:
    """Return the names that each module of hvit_edge defines or imports anywhere."""
    found = {"hvit_edge._runtime": set(), "hvit_edge._runtime_small": set()}  # written in C++
    for path in PACKAGE.rglob("*.py"):
        parts = ("hvit_edge", *path.relative_to(PACKAGE).with_suffix("").parts)
        name = ".".join(parts).removesuffix(".__init__")
        found[name] = names_of(ast.parse(path.read_text()))
    found["hvit_edge"] |= set(_PUBLIC)
    return found


def names_of(tree: ast.Module) -> set[str]:
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            names |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
    return names


def missing_in(source: str) -> list[str]:
    """Return the imports from hvit_edge that have no such module or name."""
    missing = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and is_ours(node.module or ""):
            known = modules().get(node.module, set())
            missing += [
                f"line {node.lineno}: {node.module}.{alias.name}"
                for alias in node.names
                if f"{node.module}.{alias.name}" not in modules() and alias.name not in known
            ]
        elif isinstance(node, ast.Import):
            missing += [
                f"line {node.lineno}: {alias.name}"
                for alias in node.names
                if is_ours(alias.name) and alias.name not in modules()
            ]
    return missing


def is_ours(module: str) -> bool:
    return module.split(".")[0] == "hvit_edge"


@pytest.mark.parametrize("folder", FOLDERS)
def test_imports_name_what_exists(folder):
    missing = {
        str(path.relative_to(ROOT)): found
        for path in sorted((ROOT / folder).rglob("*.py"))
        if (found := missing_in(path.read_text()))
    }
    assert missing == {}


@pytest.mark.parametrize(
    "line",
    [
        "from hvit_edge.precision import NO_SUCH_NAME",
        "from hvit_edge.no_such_module import anything",
        "import hvit_edge.no_such_module",
        "def function():\n    from hvit_edge import no_such_name",
    ],
)
def test_a_missing_name_is_found(line):
    assert len(missing_in(line)) == 1


def test_names_that_exist_are_not_missing():
    assert missing_in("from hvit_edge import Session, _runtime, precision\n") == []
    assert missing_in("from hvit_edge.errors import HvitEdgeError\nimport os.path\n") == []
