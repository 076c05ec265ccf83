"""Programs that are written directly, compared byte for byte with ExecuTorch's own."""

import subprocess
import sys
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from executorch.exir import EdgeProgramManager, to_edge
from executorch.exir._serialize._named_data_store import NamedDataStore
from executorch.exir.lowered_backend_module import LoweredBackendModule
from executorch.runtime import Runtime
from torch import nn

from hvit_edge.artifact.write_program import DelegateMethod, TensorForm, write_program
from hvit_edge.targets.delegate import COMPILE_CONFIG
from hvit_edge.targets.native.delegate_call import delegate_of

CONSTANTS = {
    "whole": 3,
    "negative": -(2**40),
    "zero": 0,
    "text": "naïve\ttext",
    "nothing": "",
    "half": 0.5,
    "none": 0.0,
    "endless": float("inf"),
    "numbers": [1, 2],
    "shares": [0.25, float("-inf")],
    "bytes": torch.arange(6, dtype=torch.uint8).reshape(2, 3),
    "ones": torch.ones(7),
    "again": torch.ones(7),
    "scalar": torch.tensor(2.0),
    "choices": torch.tensor([True, False]),
    "short": torch.ones(3, dtype=torch.float16),
    "indices": torch.arange(3),
}


@dataclass
class Case:
    inputs: tuple[torch.Tensor, ...]
    outputs: tuple[tuple[int, ...], ...]
    payload: bytes

    def method(self, name: str = "forward") -> DelegateMethod:
        forms = tuple(TensorForm(tuple(x.shape), x.numpy().dtype.name) for x in self.inputs)
        outputs = tuple(map(TensorForm, self.outputs))
        return DelegateMethod(name, "HvitEdgeBackend", self.payload, forms, outputs)


class Call(nn.Module):
    def __init__(self, delegate: nn.Module) -> None:
        super().__init__()
        self.delegate = delegate

    def forward(self, *inputs: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return self.delegate(*inputs)


def edge_of(case: Case):
    call = Call(delegate_of(case.payload, case.inputs, case.outputs))
    edge = to_edge(torch.export.export(call, case.inputs), compile_config=COMPILE_CONFIG)
    return edge.exported_program()


def of_executorch(methods: dict[str, Case], constants: dict[str, object]) -> bytes:
    """The bytes of ExecuTorch's emitter and serializer."""
    manager = EdgeProgramManager(
        {name: edge_of(case) for name, case in methods.items()},
        constant_methods=constants,
        compile_config=COMPILE_CONFIG,
    )
    return manager.to_executorch().buffer


CASES = {
    "a photo": Case((torch.zeros(1, 3, 8, 6),), ((1, 10),), b"x" * 1000),
    "several tensors": Case(
        (torch.zeros(1, 5), torch.zeros(1, 30), torch.zeros(2, 100)), ((1, 7), (300,)), b"y" * 128
    ),
    "whole numbers": Case(
        (torch.zeros(2, 2, dtype=torch.int64), torch.zeros(3)), ((1,), (17,), (2, 40)), b"z"
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_bytes_are_those_of_executorch(name):
    case = CASES[name]
    expected = of_executorch({"forward": case}, CONSTANTS)
    assert write_program([case.method()], CONSTANTS) == expected


def test_no_constants():
    case = CASES["a photo"]
    assert write_program([case.method()], {}) == of_executorch({"forward": case}, {})


def test_methods_share_a_payload():
    """A second method with the same payload adds a plan, and no second copy."""
    case = Case((torch.zeros(1, 4),), ((1, 2),), bytes(range(256)) * 40)
    other = Case((torch.zeros(3, 4),), ((3, 2),), case.payload)
    written = write_program([case.method(), other.method("three")], {"note": "kept"})
    assert written == of_executorch({"forward": case, "three": other}, {"note": "kept"})
    assert written.count(case.payload) == 1


def test_named_data_is_stored_once_for_all_methods():
    named = {"weights": b"w" * 300, "tables": b"t" * 50}
    store = NamedDataStore()
    for key, data in named.items():
        store.add_named_data(key, data, alignment=64)
    first = Case((torch.zeros(1, 4),), ((1, 2),), b"first")
    other = Case((torch.zeros(3, 4),), ((3, 2),), b"other")
    edges = {"forward": edge_of(first), "three": edge_of(other)}
    for edge in edges.values():
        (delegate,) = (
            m for m in edge.graph_module.modules() if isinstance(m, LoweredBackendModule)
        )
        delegate._named_data_store_output = store.get_named_data_store_output()
    manager = EdgeProgramManager(edges, compile_config=COMPILE_CONFIG)
    written = write_program([first.method(), other.method("three")], {}, named)
    assert written == manager.to_executorch().buffer


def test_the_runtime_reads_the_constants():
    loaded = Runtime.get().load_program(write_program([], CONSTANTS))
    for name, value in CONSTANTS.items():
        got = loaded.load_method(name).execute([])
        expected = value if isinstance(value, list) else [value]
        for left, right in zip(got, expected, strict=True):
            np.testing.assert_array_equal(left, right)
            assert getattr(left, "dtype", None) == getattr(right, "dtype", None)


def test_nothing_heavy_is_imported():
    code = (
        "import sys, hvit_edge.artifact.write_program;"
        "print([m for m in ('torch', 'executorch') if m in sys.modules])"
    )
    printed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert printed.stdout == "[]\n"
