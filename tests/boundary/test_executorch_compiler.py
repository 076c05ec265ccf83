"""The quick import of ExecuTorch's compiler, compared with the plain one."""

import json
import operator
import subprocess
import sys
from importlib import resources
from types import ModuleType

import pytest
import ruamel.yaml
import torch

from hvit_edge.boundary import executorch_compiler, patched_version
from hvit_edge.boundary.executorch_compiler import (
    IMPORTED,
    TRAINING,
    import_compiler,
    read_by_libyaml,
    remove_functionalized,
)

IMPORT = """
import sys
import ruamel.yaml
from hvit_edge.boundary.executorch_compiler import import_compiler

original = ruamel.yaml.YAML
def refuse(*args, **options):
    raise AssertionError("parsed by ruamel.yaml")
original.load = refuse
import_compiler()
from executorch.exir.dialects.edge import _ops
print(len(_ops._edge_dialect_info), ruamel.yaml.YAML is original, _ops.YAML is not original)
heavy = ("torchao", "torch._inductor.lowering", "torch.export._remove_auto_functionalized_pass")
assert not [name for name in heavy if name in sys.modules]

# What was left out is found when it is used.
from executorch.backends.xnnpack.utils import utils
from executorch.exir.program import _program
import torch

class Doubled(torch.nn.Module):
    def forward(self, x):
        return x + x

program = torch.export.export(Doubled(), (torch.ones(2),))
assert _program.unsafe_remove_auto_functionalized_pass(program) is program
assert "torch._inductor.lowering" not in sys.modules
assert not utils._is_conv_node(program.graph.output_node())
import torchao
assert torchao.__file__ and torch.ops.torchao.quantize_affine.default
"""
LISTS = """
import json, sys
from executorch.exir.operator import util
from executorch.exir.passes import constant_prop_pass
from executorch.backends.xnnpack.partition import xnnpack_partitioner
lists = (util._QUANT_PRIMITIVES, constant_prop_pass._DEFAULT_SKIP_TARGETS)
modules = sorted(name for name in sys.modules if name.startswith("executorch."))
print(json.dumps([sorted(map(str, operators)) for operators in lists] + [modules]))
"""
LIGHTLY = """
from hvit_edge.boundary.executorch_compiler import import_compiler
import_compiler()
"""


def printed(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def kinds(value: object) -> object:
    """The types of a nested value."""
    if isinstance(value, dict):
        return {key: (type(key), kinds(item)) for key, item in value.items()}
    return [kinds(item) for item in value] if isinstance(value, list) else type(value)


@pytest.mark.slow
def test_both_parsers_read_the_same_table():
    files = resources.files("executorch").joinpath("exir/dialects/edge/edge.yaml")
    text = files.read_text(encoding="utf-8")
    expected = ruamel.yaml.YAML(typ="safe").load(text)
    with read_by_libyaml():
        table = ruamel.yaml.YAML(typ="safe").load(text)
    assert table == expected
    assert kinds(table) == kinds(expected)


def test_only_that_import_is_changed():
    count, restored, replaced = printed(IMPORT).split()
    assert int(count) > 100
    assert (restored, replaced) == ("True", "True")


class Program:
    """Stands for an exported program."""

    def __init__(self, target: object) -> None:
        self.graph = torch.fx.Graph()
        x = self.graph.placeholder("x")
        self.graph.call_function(operator.neg, (x,))  # is dead
        self.graph.output(self.graph.call_function(target, (x, x)))


def test_dead_operators_are_removed_without_pytorchs_pass(monkeypatch):
    monkeypatch.setitem(sys.modules, TRAINING, None)
    program = Program(torch.ops.aten.add.Tensor)
    assert remove_functionalized(program) is program
    called = program.graph.find_nodes(op="call_function", target=operator.neg)
    assert called == [] and len(program.graph.nodes) == 3


@pytest.mark.parametrize(
    "target", [torch.ops.higher_order.auto_functionalized, torch.ops.aten.copy_.default], ids=str
)
def test_pytorchs_pass_removes_what_only_it_knows(target, monkeypatch):
    real = ModuleType(TRAINING)
    real.unsafe_remove_auto_functionalized_pass = lambda program: ("by PyTorch", program)
    monkeypatch.setitem(sys.modules, TRAINING, real)
    program = Program(target)
    assert remove_functionalized(program) == ("by PyTorch", program)


@pytest.mark.slow
def test_the_light_import_leaves_out_torchaos_operators_alone():
    *light, modules = json.loads(printed(LIGHTLY + LISTS))
    *plain, all_modules = json.loads(printed(LISTS))
    missing = [sorted(set(p) - set(own)) for own, p in zip(light, plain, strict=True)]
    assert [len(names) for names in missing] == [3, 3]
    assert all("torchao." in name for names in missing for name in names)
    assert modules == all_modules


@pytest.mark.slow
def test_torchaos_operators_are_known_if_it_was_imported_before():
    assert printed("import torchao" + LIGHTLY + LISTS) == printed(LISTS)


def test_other_kinds_of_parsers_are_the_original():
    original = ruamel.yaml.YAML
    with read_by_libyaml():
        assert ruamel.yaml.YAML(typ="rt").load("a: 1  # note\n").ca  # has the comment
    assert ruamel.yaml.YAML is original


def test_another_version_is_imported_as_it_is(monkeypatch):
    imported = []
    monkeypatch.delitem(sys.modules, "executorch.exir", raising=False)
    monkeypatch.setattr(patched_version, "installed", lambda package: "1.6.0")
    monkeypatch.setattr(patched_version, "_noticed", set())
    monkeypatch.setattr(
        executorch_compiler.importlib,
        "import_module",
        lambda name: imported.append((name, ruamel.yaml.YAML.__module__, "torchao" in sys.modules)),
    )
    monkeypatch.delitem(sys.modules, "torchao", raising=False)
    with pytest.warns(UserWarning, match=r"\[patches\] expected executorch 1.5.1, .* got 1.6.0"):
        import_compiler()
    assert imported == [(name, "ruamel.yaml.main", False) for name in IMPORTED]
