import subprocess
import sys
from collections import Counter
from types import ModuleType

import pytest
import torch
from torch import nn
from torch._export import utils
from torch.export import _trace, exported_program

from hvit_edge.boundary import patched_version
from hvit_edge.errors import LoweringError
from hvit_edge.lowering import export_graph
from hvit_edge.lowering.patches import fast_decompositions, without_compiler, without_partial_graph

PATCHED = [
    (utils, "_materialize_cpp_cia_ops"),
    (utils, "_collect_all_valid_cia_ops_for_namespace"),
    (exported_program, "_AUTOGRAD_ALIAS_BACKEND_KEYS_TO_OVERRIDE"),
    (exported_program, "_BACKEND_KEYS_TO_OVERRIDE"),
]


def attributes():
    return [getattr(module, name) for module, name in PATCHED]


def decomposed(program, table=None):
    return [str(node.target) for node in program.run_decompositions(table).graph.nodes]


@pytest.fixture
def program():
    module = nn.Sequential(nn.Linear(4, 3), nn.SiLU(), nn.LayerNorm(3)).eval()
    return torch.export.export(module, (torch.zeros(2, 4),))


def kernels():
    return {str(op): set(op.py_kernels) for op in utils._collect_all_valid_cia_ops()}


def test_operators_have_the_kernels_of_before(program):
    before = kernels()
    with fast_decompositions():
        decomposed(program)
    assert kernels() == before


@pytest.mark.parametrize("table", [None, {}], ids=["default", "empty"])
def test_decompositions_are_the_same(program, table):
    expected = decomposed(program, table)
    with fast_decompositions():
        assert [decomposed(program, table) for _ in range(2)] == [expected] * 2
    assert decomposed(program, table) == expected


def test_the_list_is_the_same():
    expected = utils._collect_all_valid_cia_ops()
    with fast_decompositions():
        assert [utils._collect_all_valid_cia_ops() for _ in range(2)] == [expected] * 2


def test_operators_are_walked_over_once_a_block(program, monkeypatch):
    walks, walk = Counter(), utils._materialize_cpp_cia_ops
    monkeypatch.setattr(utils, "_materialize_cpp_cia_ops", lambda: walks.update(["walk"]) or walk())
    for block in (1, 2):
        with fast_decompositions():
            decomposed(program)
            with fast_decompositions():
                decomposed(program)
            decomposed(program)
        assert walks["walk"] == block


def test_an_operator_registered_between_blocks_is_found():
    def listed():
        return {operator.name() for operator in utils._collect_all_valid_cia_ops()}

    with fast_decompositions():
        assert "hvit_edge_test::twice" not in listed()
    with torch.library._scoped_library("hvit_edge_test", "DEF") as library:
        library.define("twice(Tensor x) -> Tensor")
        library.impl("twice", lambda x: x + x, "CompositeImplicitAutograd")
        with fast_decompositions():
            assert "hvit_edge_test::twice" in listed()


def test_nothing_is_left_behind():
    before = attributes()
    with fast_decompositions(), fast_decompositions():
        assert all(now is not then for now, then in zip(attributes(), before, strict=True))
    assert attributes() == before
    with pytest.raises(KeyError), fast_decompositions():
        raise KeyError
    assert attributes() == before


class Branching(nn.Module):
    def forward(self, x):
        print("a user's own line")
        if x.sum() > 0:
            return x
        return -x


def test_a_refusal_names_the_line_and_prints_no_graph(capfd):
    branch = Branching.forward.__code__.co_firstlineno + 2
    message = rf"depends on the values .*test_patches.py:{branch}\)"
    with pytest.raises(LoweringError, match=message):
        export_graph(Branching().eval(), (torch.ones(1, 3),))
    out, err = capfd.readouterr()
    assert "a user's own line" in out and "def forward" not in err
    assert "print" not in vars(_trace)


def test_another_pytorch_is_left_as_it_is(monkeypatch):
    monkeypatch.setattr(patched_version, "installed", lambda package: "2.14.1")
    monkeypatch.setattr(patched_version, "_noticed", set())
    before = attributes()
    said = r"expected torch 2.13.0, .* got 2.14.1"
    with (
        pytest.warns(UserWarning, match=said) as caught,
        fast_decompositions(),
        without_partial_graph(),
    ):
        assert attributes() == before
        assert "print" not in vars(_trace)
    assert len(caught) == 1


def test_operators_without_data_do_not_import_the_compiler():
    """In a new process, because the tests import it; a later use of the compiler finds its own."""
    code = """
import sys
import torch
from hvit_edge.lowering.inferred_results import infer
aten = torch.ops.aten
x, w, b = (torch.empty(shape, device="meta") for shape in ((2, 3, 4), (5, 4), (5,)))
made = infer(aten.linear.default, (x, w, b), {})
assert made.shape == (2, 3, 5)
assert infer(aten.add.Tensor, (made, b), {}).shape == (2, 3, 5)
assert "torch._dynamo" not in sys.modules
import torch._dynamo
assert torch._dynamo.__file__
again = aten.add.Tensor(torch.empty(7, device="meta"), 1)
assert again.shape == (7,)
function = torch.compile(lambda y: y + 1, backend="eager")
assert torch.equal(function(torch.zeros(3)), torch.ones(3))
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True)


def test_marks_for_the_compiler_are_removed():
    code = """
import sys
import torch
from hvit_edge.lowering.patches import without_compiler

def function():
    return 7

with without_compiler():
    assert torch._disable_dynamo(function)() == 7
    assert "__dynamo_disable" in vars(function)
assert "__dynamo_disable" not in vars(function)
assert "torch._dynamo" not in sys.modules
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True)


def test_a_compiler_that_is_imported_stays(monkeypatch):
    known = ModuleType("torch._dynamo")
    monkeypatch.setitem(sys.modules, "torch._dynamo", known)
    with without_compiler():
        assert sys.modules["torch._dynamo"] is known
