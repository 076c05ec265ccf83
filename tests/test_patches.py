"""Only files named `patches.py` replace anything of other libraries."""

import ast
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "python" / "hvit_edge"
MECHANISM = "boundary/replaced.py"
REPLACE = ("replaced", "added")
OWN_MODULES = {"sources/factory_file.py"}
"""Puts the user's file among Python's modules, under a name that no library has."""


def libraries_of(tree: ast.AST) -> set[str]:
    """Return the names in a file that stand for libraries, or for something of them."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {
                (alias.asname or alias.name.split(".")[0])
                for alias in node.names
                if is_other(alias.name)
            }
        elif isinstance(node, ast.ImportFrom) and node.module and is_other(node.module):
            names |= {alias.asname or alias.name for alias in node.names}
    return names


def is_other(module: str) -> bool:
    """Return True for a module of neither Python nor hvit-edge."""
    package = module.split(".")[0]
    return package not in sys.stdlib_module_names and package != "hvit_edge"


def root_of(node: ast.expr) -> str:
    """Return the name that `a.b.c` or `a[b].c` starts with; empty if it starts with a call."""
    while isinstance(node, (ast.Attribute, ast.Subscript)):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def is_replacement(node: ast.AST, libraries: set[str]) -> bool:
    """Return True if an expression or statement replaces something of a library."""
    if isinstance(node, ast.ImportFrom):
        return node.module == "hvit_edge.boundary.replaced"
    if isinstance(node, ast.Call):
        called = ast.unparse(node.func)
        changes = called in ("setattr", "delattr") and root_of(node.args[0]) in libraries
        return changes or called in REPLACE or called == "sys.modules.update"
    if isinstance(getattr(node, "ctx", None), ast.Load):
        return False
    if isinstance(node, ast.Attribute):
        return root_of(node) in libraries
    return isinstance(node, ast.Subscript) and ast.unparse(node.value) == "sys.modules"


def replacements(tree: ast.AST) -> list[str]:
    """Return what in a file replaces something of a library."""
    libraries = libraries_of(tree)
    return [ast.unparse(node) for node in ast.walk(tree) if is_replacement(node, libraries)]


def test_no_other_file_replaces_anything():
    wrong = {}
    for path in PACKAGE.rglob("*.py"):
        name = path.relative_to(PACKAGE).as_posix()
        found = replacements(ast.parse(path.read_text()))
        if path.name != "patches.py" and name not in OWN_MODULES | {MECHANISM} and found:
            wrong[name] = found
    assert wrong == {}


def test_every_such_file_replaces_something():
    for path in PACKAGE.rglob("patches.py"):
        assert replacements(ast.parse(path.read_text())), path


@pytest.mark.parametrize(
    "code",
    [
        "import torch\ntorch.nn.Linear.forward = None",
        "import torch.fx as fx\nfx.GraphModule.recompile: object = None",
        "from torch.fx import GraphModule\ndef f():\n    del GraphModule.recompile",
        "def f():\n    from torch.fx import GraphModule\n    setattr(GraphModule, name, None)",
        "import executorch\ndelattr(executorch.exir, 'capture')",
        "import torch\ntorch.tables['a'].b += 1",
        "from hvit_edge.boundary.replaced import replaced as swap\nswap(owner, a=1)",
        "import sys\nsys.modules['torchao'] = None",
        "import sys\nsys.modules.update(torchao=None)",
        "import sys\ndel sys.modules['torchao']",
    ],
)
def test_a_replacement_is_found(code):
    assert replacements(ast.parse(code)) != []


@pytest.mark.parametrize(
    "code",
    [
        "from torch.fx import GraphModule\nmodule = GraphModule()\nmodule.graph = None",
        "import logging\nlogging.raiseExceptions = False",
        "from hvit_edge.models import registry\nregistry.known = {}",
        "import torch\ndef f(module):\n    setattr(module, 'weight', torch.zeros(1))",
        "import numpy as np\nx = np.zeros(3)\nx[0] = 1",
    ],
)
def test_other_assignments_are_not(code):
    assert replacements(ast.parse(code)) == []
