"""Define the native backend's operations, in the order of fields of cpp/src/native/read_plan.cpp.

Shapes and meaning are in cpp/src/native/operations.h.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from hvit_edge.targets.native.kinds import Activation, PoolKind
from hvit_edge.targets.native.values import Buffer, Rows


@dataclass
class Epilogue:
    """Holds what is applied to products: bias, activation, residual rows, activation, output."""

    bias: np.ndarray | None
    output: Rows
    first: Activation = Activation.NONE
    residual: Rows | None = None
    second: Activation = Activation.NONE


@dataclass
class Operation:
    """Has what all operations have: a name for profiles, and the buffers that they touch."""

    name: str = field(default="", kw_only=True)

    def reads(self) -> Iterator[Buffer]:
        """Yield the buffers that the operation reads."""
        for value in vars(self).values():
            if isinstance(value, Rows | Matrices | Window | Side):
                yield value.buffer
            elif isinstance(value, Codes):
                yield from value.buffers()
            elif isinstance(value, Epilogue) and value.residual is not None:
                yield value.residual.buffer

    def writes(self) -> Iterator[Buffer]:
        """Yield the buffers that the operation writes."""
        epilogue: Epilogue | None = getattr(self, "epilogue", None)
        output: Rows | Matrices | Buffer = epilogue.output if epilogue else vars(self)["output"]
        yield output if isinstance(output, Buffer) else output.buffer


@dataclass(frozen=True)
class Side:
    """Holds a side of `Binary`: rows of values, or rows in which one value is repeated."""

    rows: Rows
    repeats: bool

    @property
    def buffer(self) -> Buffer:
        return self.rows.buffer


@dataclass(frozen=True)
class Codes:
    """Holds rows as int8; the length of each is `width` rounded up to four bytes.

    Attributes:
        codes: the buffer of the bytes.
        ranges: the buffer of the scale and zero point of each range.
        zeros: the buffer of a row of zero points for padding, or None if none is needed.
        rows: the number of rows.
        width: the values of a row.
        together: the number of rows that share a range.
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
    """Holds the weights of an int8 layer: codes [columns, taps, depth], and column scales."""

    codes: np.ndarray
    scales: np.ndarray


@dataclass
class Linear(Operation):
    """Multiplies [rows, depth] by [depth, columns]."""

    input: Rows
    weights: np.ndarray  # [columns, depth]
    epilogue: Epilogue
    taps: np.ndarray | None = None  # int32 [depth]


@dataclass
class Window:
    """Describes a channels-last map and the windows over it; strides are in values."""

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
    """Convolves a map over all channels."""

    window: Window
    weights: np.ndarray  # [columns, kernel height, kernel width, channels]
    epilogue: Epilogue


@dataclass
class Depthwise(Operation):
    """Convolves each channel of a map by itself."""

    window: Window
    weights: np.ndarray  # [taps, channels]
    epilogue: Epilogue


@dataclass
class Pooling(Operation):
    """Computes the largest value or the mean of each window."""

    window: Window
    kind: PoolKind
    output: Rows


@dataclass
class LayerNorm(Operation):
    """Normalizes each row."""

    input: Rows
    gamma: np.ndarray | None
    beta: np.ndarray | None
    eps: float
    output: Rows
    activation: Activation = Activation.NONE


@dataclass
class Matrices:
    """Says where the matrix [tokens, width] of each head begins, and the stride of its tokens."""

    buffer: Buffer
    places: np.ndarray  # int64 [heads]
    stride: int


@dataclass
class Attention(Operation):
    """Computes softmax(q k^T * scale + bias) v."""

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
    bias_of: np.ndarray | None  # int [heads], the index of each head's matrix
    scale: float
    scratch: Buffer


@dataclass
class Add(Operation):
    """Computes activation(alpha * left + beta * right)."""

    left: Rows
    right: Rows | None
    alpha: float
    beta: float
    output: Rows
    activation: Activation = Activation.NONE


@dataclass
class Mean(Operation):
    """Computes the mean of each `count` rows."""

    input: Rows
    count: int
    output: Rows


@dataclass
class Pad(Operation):
    """Copies planes and puts zeros around them."""

    source: Rows
    size: tuple[int, int, int]  # channels, height, width
    padding: tuple[int, int]
    output: Buffer


@dataclass
class Gather(Operation):
    """Copies values by a table of their places."""

    source: Rows
    table: np.ndarray
    output: Buffer


@dataclass
class Quantise(Operation):
    """Quantizes rows to int8."""

    input: Rows
    codes: Codes

    def writes(self) -> Iterator[Buffer]:
        """Yield the buffers that the operation writes."""
        return self.codes.buffers()


@dataclass
class LinearInt8(Operation):
    """Multiplies the codes of rows by the codes of weights."""

    codes: Codes
    weights: Int8Weights
    epilogue: Epilogue


@dataclass
class ConvolutionInt8(Operation):
    """Convolves a map of int8 codes that share one range; strides of the window are in bytes."""

    window: Window
    codes: Codes
    weights: Int8Weights
    epilogue: Epilogue


@dataclass
class InvertedResidual(Operation):
    """Computes a linear layer, a depthwise convolution of its map and a second linear layer.

    Attributes:
        expand: the first layer, as it would run by itself.
        depthwise: the convolution, as it would run by itself.
        adds_input: True if the depthwise convolution adds its input, the expanded map.
        project: the second layer, as it would run by itself.
        scratch: the memory that the jobs work in.
    """

    expand: Linear | LinearInt8
    depthwise: Depthwise
    adds_input: bool
    project: Linear | LinearInt8
    scratch: Buffer

    def reads(self) -> Iterator[Buffer]:
        """Yield the buffers that the operation reads."""
        yield from self.expand.reads()
        if self.project.epilogue.residual is not None:
            yield self.project.epilogue.residual.buffer
        yield self.scratch

    def writes(self) -> Iterator[Buffer]:
        """Yield the buffers that the operation writes."""
        return self.project.writes()
