"""The operations of the native backend, field by field as cpp/src/native/read_plan.cpp reads them.

Shapes and meaning are in cpp/src/native/operations.h.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np

from hvit_edge.targets.native.values import Buffer, Rows

PANEL = 16


class Activation(IntEnum):
    """What is applied to each value; from `SIGMOID` on in plans of version 2 alone."""

    NONE = 0
    RELU = 1
    SILU = 2
    GELU = 3
    SIGMOID = 4
    HARDSIGMOID = 5
    HARDSWISH = 6
    RELU6 = 7
    TANH = 8
    GELU_TANH = 9


class PoolKind(IntEnum):
    """What a pool makes of its window."""

    MAXIMUM = 0
    AVERAGE = 1


@dataclass
class Epilogue:
    """What follows the products: bias, activation, residual rows, activation; then the output."""

    bias: np.ndarray | None
    output: Rows
    first: Activation = Activation.NONE
    residual: Rows | None = None
    second: Activation = Activation.NONE


@dataclass
class Operation:
    """What all operations have: a name for profiles, and the buffers that they touch."""

    name: str = field(default="", kw_only=True)

    def reads(self) -> Iterator[Buffer]:
        """Buffers that must be there."""
        for value in vars(self).values():
            if isinstance(value, Rows | Matrices | Window | Side):
                yield value.buffer
            elif isinstance(value, Codes):
                yield from value.buffers()
            elif isinstance(value, Epilogue) and value.residual is not None:
                yield value.residual.buffer

    def writes(self) -> Iterator[Buffer]:
        """Buffers that are written."""
        epilogue = getattr(self, "epilogue", None)
        output = epilogue.output if epilogue is not None else self.output
        yield output if isinstance(output, Buffer) else output.buffer


@dataclass(frozen=True)
class Side:
    """One side of `Binary`: rows of values, or of one value each that is repeated."""

    rows: Rows
    repeats: bool

    @property
    def buffer(self) -> Buffer:
        return self.rows.buffer


@dataclass(frozen=True)
class Codes:
    """Rows as int8, each `width` rounded up to four bytes long.

    Attributes:
        codes, ranges, zeros: the bytes, scale and zero of each range, and a row of zeros for
            padding where that is needed.
        rows, width, together: how many, how long, and how many share a range.
    """

    codes: Buffer
    ranges: Buffer
    zeros: Buffer | None
    rows: int
    width: int
    together: int

    def buffers(self) -> Iterator[Buffer]:
        yield self.codes
        yield self.ranges
        if self.zeros is not None:
            yield self.zeros


@dataclass(frozen=True)
class Int8Weights:
    """Of a layer: codes [columns, taps, depth] and the scale of each column."""

    codes: np.ndarray
    scales: np.ndarray


@dataclass
class Linear(Operation):
    """rows x depth times depth x columns."""

    input: Rows
    weights: np.ndarray  # [columns, depth]
    epilogue: Epilogue
    taps: np.ndarray | None = None  # int32 [depth]


@dataclass
class Window:
    """A channels-last map and the windows over it; strides in values."""

    buffer: Buffer
    start: int
    size: tuple[int, int, int]  # height, width, channels
    strides: tuple[int, int]  # from row to row, from pixel to pixel
    outputs: tuple[int, int]
    kernel: tuple[int, int]
    steps: tuple[int, int]
    padding: tuple[int, int]


@dataclass
class Convolution(Operation):
    """Over all channels."""

    window: Window
    weights: np.ndarray  # [columns, kernel height, kernel width, channels]
    epilogue: Epilogue


@dataclass
class Depthwise(Operation):
    """Each channel by itself."""

    window: Window
    weights: np.ndarray  # [taps, channels]
    epilogue: Epilogue


@dataclass
class Pooling(Operation):
    """The largest value or the mean of each window."""

    window: Window
    kind: PoolKind
    output: Rows


@dataclass
class LayerNorm(Operation):
    """Of each row."""

    input: Rows
    gamma: np.ndarray | None
    beta: np.ndarray | None
    eps: float
    output: Rows
    activation: Activation = Activation.NONE


@dataclass
class Matrices:
    """One matrix [tokens, width] a head: where each begins, and how far its tokens are apart."""

    buffer: Buffer
    places: np.ndarray  # int64 [heads]
    stride: int


@dataclass
class Attention(Operation):
    """softmax(q k^T * scale + bias) v."""

    heads: int
    queries: int
    keys: int
    width: int
    value_width: int
    query: Matrices
    key: Matrices
    value: Matrices
    output: Matrices
    biases: np.ndarray | None  # float32 [matrices, queries, keys]
    bias_of: np.ndarray | None  # int [heads], which matrix
    scale: float
    scratch: Buffer


@dataclass
class Add(Operation):
    """activation(alpha * left + beta * right)."""

    left: Rows
    right: Rows | None
    alpha: float
    beta: float
    output: Rows
    activation: Activation = Activation.NONE


@dataclass
class Mean(Operation):
    """Of each `count` rows."""

    input: Rows
    count: int
    output: Rows


@dataclass
class Pad(Operation):
    """Planes with zeros around them."""

    source: Rows
    size: tuple[int, int, int]  # channels, height, width
    padding: tuple[int, int]
    output: Buffer


@dataclass
class Gather(Operation):
    """Value by value."""

    source: Rows
    table: np.ndarray
    output: Buffer


@dataclass
class Quantise(Operation):
    """Rows as int8."""

    input: Rows
    codes: Codes

    def writes(self) -> Iterator[Buffer]:
        """Buffers that are written."""
        return self.codes.buffers()


@dataclass
class LinearInt8(Operation):
    """The codes of rows times those of weights."""

    codes: Codes
    weights: Int8Weights
    epilogue: Epilogue


@dataclass
class ConvolutionInt8(Operation):
    """The same for the windows of a map of one range; strides of the window in bytes."""

    window: Window
    codes: Codes
    weights: Int8Weights
    epilogue: Epilogue


@dataclass
class InvertedResidual(Operation):
    """A linear layer, a depthwise convolution of its map and a second linear layer.

    Attributes:
        expand, depthwise, project: as they would run one by one.
        adds_input: the depthwise convolution adds its own input, the expanded map.
        scratch: what the jobs work in.
    """

    expand: Linear | LinearInt8
    depthwise: Depthwise
    adds_input: bool
    project: Linear | LinearInt8
    scratch: Buffer

    def reads(self) -> Iterator[Buffer]:
        """Buffers that must be there."""
        yield from self.expand.reads()
        if self.project.epilogue.residual is not None:
            yield self.project.epilogue.residual.buffer
        yield self.scratch

    def writes(self) -> Iterator[Buffer]:
        """Buffers that are written."""
        return self.project.writes()
