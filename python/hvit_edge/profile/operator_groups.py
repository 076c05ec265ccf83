"""Group the operators of a backend by their kind of work, from the names that it reports."""

from __future__ import annotations

GROUPS: dict[str, tuple[str, ...]] = {
    "gemm": (
        *("Fully Connected", "Dynamic Fully Connected", "Batch Matrix Multiply"),
        *("Linear", "LinearInt8", "InvertedResidual", "Matmul"),
    ),
    "convolution": ("Convolution", "ConvolutionInt8", "Deconvolution"),
    "depthwise": ("Depthwise",),
    "attention": ("Attention",),
    "softmax": ("Softmax",),
    "elementwise": (
        *("Unary Elementwise", "Binary Elementwise", "Abs", "Add", "ApproxGELU", "ATan2"),
        *("Bankders Rounding", "Ceiling", "Clamp", "Copy Sign", "Cosine", "Cube Root", "Divide"),
        *("ELU", "Exp", "Floor", "GELU", "HardSwish", "LeakyReLU", "Log", "Maximum", "Minimum"),
        *("Modulus", "Multiply", "Negate", "PReLU", "Power", "Reciprocal Square Root", "Sigmoid"),
        *("Sign", "Sine", "Square", "Square Root", "Squared Difference", "Subtract", "TanH"),
        *("Bitwise And", "Bitwise Not", "Bitwise Or", "Bitwise Xor", "Count Leading Zeros"),
        *("Population Count", "Shift Left", "Shift Right Arithmetic", "Shift Right Logical"),
        *("Unary", "Binary", "Select"),
    ),
    "reductions": (
        *("LayerNorm", "Mean", "Mean Squared", "Normalize", "Reduce Max", "Reduce Min", "Sum"),
        "Reduction",
    ),
    "quantise": ("Convert", "Quantise"),
    "copies": (
        *("Constant Pad", "Copy", "Depth To Space", "Fuse Dims", "Gather", "Pack LH", "Pad"),
        *("Slice", "Space To Depth", "Split Dims", "Static Expand Dims", "Static Reshape"),
        *("Transpose",),
    ),
    "resize and pool": (
        *("ArgMax Pooling", "Average Pooling", "Max Pooling", "Pooling"),
        *("Resize Bilinear", "Unpooling"),
    ),
    "outside delegates": (),
    "other": (),
}
"""Group -> XNNPACK's operator types, without the text in brackets, and the kinds of our own
backend. XNNPACK's names are in its operator-type-defs.inc and its element-wise configurations. Its
depthwise convolutions differ from others only by their kernel. An operator outside the delegates is
in a group of its own, whatever it computes. All other names are in "other"."""

_GROUP_OF = {kind: group for group, kinds in GROUPS.items() for kind in kinds}
_DEPTHWISE = "DWConv"

OUTSIDE_DELEGATES = "outside delegates"
"""Group of operators outside the delegates."""
INSTRUCTION = "instruction "
"""How the runtime names an operator outside the delegates: with the place of its instruction."""

NATIVE = (
    *("Linear", "Convolution", "Depthwise", "Pooling", "LayerNorm", "Attention", "Add", "Copy"),
    *("Mean", "Pad", "Gather", "Quantise", "LinearInt8", "ConvolutionInt8", "InvertedResidual"),
    *("Unary", "Binary", "Reduction", "Softmax", "Matmul", "Select", "Transpose"),
)
"""Kinds of our own backend, which reports kind and module: "Linear stages.0.conv"."""


def native_parts(name: str) -> tuple[str, str] | None:
    """Return kind and module of an event of our own backend, or None for another backend.

    An event of XNNPACK has a number or a bracket after its kind.
    """
    kind, _, module = name.partition(" ")
    is_native = kind in NATIVE and " (" not in name and " #" not in name
    return (kind, module) if is_native else None


def kind_of(name: str) -> str:
    """Return the operator type of an event: "Softmax" for "Softmax (NC, F32) #2"."""
    if native := native_parts(name):
        return native[0]
    return name.partition(" (")[0].partition(" #")[0]


def group_of(name: str) -> str:
    """Return the group of an event: "depthwise" for "Convolution (NHWC, F32) DWConv #3"."""
    if is_outside(name):
        return OUTSIDE_DELEGATES
    group = _GROUP_OF.get(kind_of(name), "other")
    if group == "convolution" and _DEPTHWISE in name.rpartition(")")[2]:
        return "depthwise"
    return group


def is_known(name: str) -> bool:
    """Return True if the type of the event is in GROUPS."""
    return is_outside(name) or kind_of(name) in _GROUP_OF


def is_outside(name: str) -> bool:
    """Return True for an operator outside the delegates: "instruction 7" or "aten::topk.values"."""
    return name.startswith(INSTRUCTION) or "::" in name.partition(" ")[0]
