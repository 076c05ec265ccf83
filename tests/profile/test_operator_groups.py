"""Groups of operators, compared with the names in XNNPACK's library and in our backend."""

import re
from pathlib import Path

import executorch
import pytest

from hvit_edge.profile.operator_groups import (
    GROUPS,
    NATIVE,
    group_of,
    is_known,
    kind_of,
    native_parts,
)
from hvit_edge.targets.native.write_plan import KINDS

NAMES = {
    "Fully Connected (NC, F32) GEMM #12": "gemm",
    "Fully Connected (NC, QD8, F32, QC8W) GEMM #1": "gemm",
    "Batch Matrix Multiply (NC, F32) GEMM #3": "gemm",
    "Dynamic Fully Connected (NC, F16)": "gemm",
    "Convolution (NHWC, F32) IGEMM #1": "convolution",
    "Convolution (NHWC, F16) GEMM #1": "convolution",
    "Convolution (NHWC, F16) DWConv #9": "depthwise",
    "Convolution (NHWC, QC8) DWConv": "depthwise",
    "Softmax (NC, F32) #1": "softmax",
    "Exp (NC) #34": "elementwise",
    "Clamp (NC) #1": "elementwise",
    "Reciprocal Square Root (NC) #1": "elementwise",
    "Mean (ND) Reduce2 #1": "reductions",
    "Convert (NC, F32, QD8) #2": "quantise",
    "Transpose (ND, X32) #1": "copies",
    "Static Reshape (NC) #94": "copies",
    "Copy (NC, X32) #3": "copies",
    "Slice (ND, X8) #3": "copies",
    "Constant Pad (ND, X32) #3": "copies",
    "Resize Bilinear (NHWC) #1": "resize and pool",
    "Max Pooling (NHWC, U8) #1": "resize and pool",
    "Linear stem.norm": "gemm",
    "Linear": "gemm",
    "Convolution stages.2.1.fuse.norm": "convolution",
    "Depthwise mix": "depthwise",
    "Attention stages.0.attn": "attention",
    "LayerNorm norm": "reductions",
    "Mean": "reductions",
    "Add blocks.0": "elementwise",
    "Copy": "copies",
    "Pad": "copies",
    "Gather stages.0": "copies",
    "Pooling stem.pool": "resize and pool",
    "Teleport (NC) DWConv #1": "other",
    "Teleport stem": "other",
    "": "other",
}


@pytest.mark.parametrize("name", NAMES)
def test_groups(name):
    assert group_of(name) == NAMES[name]
    assert is_known(name) == (NAMES[name] != "other")


def test_kinds():
    assert kind_of("Batch Matrix Multiply (NC, F32) GEMM #3") == "Batch Matrix Multiply"
    assert kind_of("Clamp #1") == "Clamp"
    assert kind_of("Linear stages.0.conv") == kind_of("Linear") == "Linear"


def test_modules_of_our_own_backend():
    assert native_parts("Linear stages.0.conv") == ("Linear", "stages.0.conv")
    assert native_parts("Pad") == ("Pad", "")
    for name in ("Copy Sign (NC)", "Copy Sign #2", "Convolution (NHWC, F32) GEMM #1", "Add #1", ""):
        assert native_parts(name) is None


def test_every_operation_of_a_plan_has_a_kind_and_a_group():
    assert {operation.__name__ for operation in KINDS} | {"Copy"} == set(NATIVE)
    assert all(is_known(kind) for kind in NATIVE)


def test_no_kind_is_in_two_groups():
    kinds = [kind for group in GROUPS.values() for kind in group]
    assert len(kinds) == len(set(kinds))


def test_the_librarys_names_are_known():
    """Rotary embeddings are an exception, because no model here has them."""
    (library,) = Path(executorch.__path__[0], "lib").glob("libexecutorch_backend_xnnpack.*")
    name = rb"\0([A-Z][A-Za-z0-9 -]+ \((?:N[A-Z0-9]*|X\d+)(?:, [A-Z0-9_]+)*\))(?=\0)"
    names = {found.decode() for found in re.findall(name, library.read_bytes())}
    assert len(names) > 100
    assert {kind_of(each) for each in names if not is_known(each)} == {"RoPE"}
