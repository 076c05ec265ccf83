"""Write operations as the bytes that cpp/src/native/read_plan.cpp reads."""

from __future__ import annotations

import dataclasses
import struct
from collections.abc import Sequence
from enum import IntEnum
from functools import singledispatchmethod

import numpy as np

from hvit_edge.errors import LoweringError
from hvit_edge.targets.native import general_operations as general
from hvit_edge.targets.native import operations as ops
from hvit_edge.targets.native.arena import place
from hvit_edge.targets.native.constant_pool import ConstantPool
from hvit_edge.targets.native.inverted_residuals import JOBS, columns_of
from hvit_edge.targets.native.kinds import OLDEST_VERSION, Kind, version_of
from hvit_edge.targets.native.operations import Epilogue, Int8Weights, Matrices, Window
from hvit_edge.targets.native.pack_weights import code_panels, padded_to_panels, panels
from hvit_edge.targets.native.plan_limits import ALIGNMENT
from hvit_edge.targets.native.values import Buffer, Number, Rows, Space

MAGIC = {Number.FLOAT32: b"HVITPN01", Number.FLOAT16: b"HVITPH01"}
KINDS: dict[type[ops.Operation], Kind] = {
    ops.Linear: Kind.LINEAR,
    ops.Convolution: Kind.CONVOLUTION,
    ops.Depthwise: Kind.DEPTHWISE,
    ops.Pooling: Kind.POOLING,
    ops.LayerNorm: Kind.LAYER_NORM,
    ops.Attention: Kind.ATTENTION,
    ops.Add: Kind.ADD,
    ops.Mean: Kind.MEAN,
    ops.Pad: Kind.PAD,
    ops.Gather: Kind.GATHER,
    ops.Quantise: Kind.QUANTISE,
    ops.LinearInt8: Kind.LINEAR_INT8,
    ops.ConvolutionInt8: Kind.CONVOLUTION_INT8,
    ops.InvertedResidual: Kind.INVERTED_RESIDUAL,
    general.Unary: Kind.UNARY,
    general.Binary: Kind.BINARY,
    general.Reduction: Kind.REDUCTION,
    general.Softmax: Kind.SOFTMAX,
    general.Matmul: Kind.MATMUL,
    general.Select: Kind.SELECT,
    general.Transpose: Kind.TRANSPOSE,
}


def write_plan(
    operations: Sequence[ops.Operation],
    inputs: Buffer,
    outputs: Buffer,
    number: Number = Number.FLOAT32,
    pool: ConstantPool | None = None,
) -> bytes:
    """Return the plan: header, operations, names, constants.

    Args:
        operations: the operations in the order in which they run.
        inputs: the buffer with the inputs, which the caller provides.
        outputs: the buffer for the outputs, which the caller provides.
        number: the number type of the plan.
        pool: the constants of the plans that were written before, which this plan shares.

    Raises:
        LoweringError: a constant is too large for the number type.
    """
    offsets, arena_bytes = place(operations, number)
    writer = _Writer(offsets, number, ConstantPool() if pool is None else pool)
    for operation in operations:
        writer.choose(KINDS[type(operation)])
        writer.put(operation)
    words = struct.pack(f"<{len(writer.words)}q", *writer.words)
    names = b"".join(operation.name.encode() + b"\0" for operation in operations)
    header_bytes = 8 * 9
    start = -(-(header_bytes + len(words) + len(names)) // ALIGNMENT) * ALIGNMENT
    header = MAGIC[number] + struct.pack(
        "<8q",
        writer.version,
        arena_bytes,
        inputs.bytes(number),
        outputs.bytes(number),
        len(writer.words),
        len(names),
        start,
        writer.pool.size,
    )
    return b"".join([(header + words + names).ljust(start, b"\0"), *writer.pool.parts])


class _Writer:
    """Collects the words and constants of operations, in the order in which they are put."""

    def __init__(self, offsets: dict[Buffer, int], number: Number, pool: ConstantPool) -> None:
        self.offsets = offsets
        self.number_type = number
        self.version = OLDEST_VERSION
        self.words: list[int] = []
        self.pool = pool

    def choose(self, number: IntEnum) -> None:
        """Append a number of an enumeration; the plan's version becomes one that has it."""
        self.version = max(self.version, version_of(number))
        self.words.append(number)

    def constant(self, array: np.ndarray | None) -> int:
        """Return the offset of an array among the constants, or -1 for None."""
        if array is None:
            return -1
        return self.pool.offset(memoryview(np.ascontiguousarray(array).reshape(-1).view(np.uint8)))

    def numbers(self, array: np.ndarray | None) -> int:
        """Return the offset of an array that is rounded to the number type, or -1 for None."""
        if array is None or array.dtype == self.number_type.value:
            return self.constant(array)
        with np.errstate(over="ignore"):
            rounded: np.ndarray = array.astype(self.number_type.value)
        if not np.array_equal(np.isfinite(rounded), np.isfinite(array)):
            largest = np.abs(array[np.isfinite(array)]).max()
            raise LoweringError(
                f"[targets.native] expected constants that {self.number_type.value} holds, got"
                f" {largest:g}; compile with --precision fp32 (precision='fp32')"
            )
        return self.constant(rounded)

    def offset(self, buffer: Buffer | None) -> int:
        """Return the offset of a buffer in its space, in bytes, or -1 for None."""
        if buffer is None:
            return -1
        if buffer.space is Space.CONSTANTS:
            return self.numbers(buffer.data)
        return self.offsets.get(buffer, 0)

    def table(self, places: np.ndarray | None) -> int:
        return -1 if places is None else self.constant(places.astype(np.int32))

    def number(self, value: float) -> int:
        return struct.unpack("<q", struct.pack("<d", value))[0]

    def rows(self, rows: Rows | None) -> None:
        if rows is None:
            self.words.append(-1)
            return
        self.words += [rows.buffer.space, self.offset(rows.buffer)]
        if rows.stride is None:
            self.words += [0, self.table(rows.places)]
        else:
            self.words[-1] += self.number_type.bytes * int(rows.places[0])
            self.words += [rows.stride, -1]

    def matrices(self, matrices: Matrices) -> None:
        self.words += [matrices.buffer.space, self.offset(matrices.buffer), matrices.stride]
        self.words.append(self.table(matrices.places))

    def window(self, window: Window) -> None:
        self.words += [window.buffer.space, self.offset(window.buffer)]
        bytes_of_value = 1 if window.buffer.of_bytes else self.number_type.bytes
        self.words[-1] += bytes_of_value * window.start
        self.words += [*window.size, *window.strides, *window.outputs, *window.kernel]
        self.words += [*window.steps, *window.padding]

    def bias(self, bias: np.ndarray | None, *, padded: bool) -> None:
        if padded and bias is not None:
            bias = padded_to_panels(bias)
        self.words.append(self.numbers(bias))

    def epilogue(self, epilogue: Epilogue, *, padded: bool) -> None:
        self.bias(epilogue.bias, padded=padded)
        self.choose(epilogue.first)
        self.rows(epilogue.residual)
        self.choose(epilogue.second)
        self.rows(epilogue.output)

    @singledispatchmethod
    def put(self, operation: ops.Operation) -> None:
        raise NotImplementedError(type(operation).__name__)

    @put.register
    def _(self, op: ops.Linear) -> None:
        self.words += [len(op.input.places), op.weights.shape[1], op.weights.shape[0]]
        self.words.append(self.table(op.taps))
        self.rows(op.input)
        self.weights(op)
        self.epilogue(op.epilogue, padded=True)

    @put.register
    def _(self, op: ops.Convolution) -> None:
        self.window(op.window)
        self.words.append(op.weights.shape[0])
        self.words.append(self.numbers(panels(op.weights.reshape(op.weights.shape[0], -1))))
        self.epilogue(op.epilogue, padded=True)

    @put.register
    def _(self, op: ops.Depthwise) -> None:
        self.window(op.window)
        self.words.append(self.numbers(op.weights))
        self.epilogue(op.epilogue, padded=False)

    @put.register
    def _(self, op: ops.Pooling) -> None:
        self.window(op.window)
        self.choose(op.kind)
        self.rows(op.output)

    @put.register
    def _(self, op: ops.LayerNorm) -> None:
        self.words += [len(op.input.places), op.input.width]
        self.rows(op.input)
        self.words += [self.numbers(op.gamma), self.numbers(op.beta)]
        self.words.append(self.number(op.eps))
        self.choose(op.activation)
        self.rows(op.output)

    @put.register
    def _(self, op: ops.Attention) -> None:
        self.words += [op.heads, op.queries, op.keys, op.width, op.value_width]
        for matrices in (op.query, op.key, op.value, op.output):
            self.matrices(matrices)
        if op.biases is None or op.bias_of is None:
            self.words.append(0)
        else:
            padded = padded_to_panels(op.biases)
            self.words += [len(padded), self.numbers(padded)]
            self.words.append(self.table(op.bias_of * padded[0].size))
        self.words += [self.number(op.scale), self.offset(op.scratch)]

    @put.register
    def _(self, op: ops.Add) -> None:
        self.words += [len(op.left.places), op.left.width]
        self.rows(op.left)
        self.rows(op.right)
        self.words += [self.number(op.alpha), self.number(op.beta)]
        self.choose(op.activation)
        self.rows(op.output)

    @put.register
    def _(self, op: ops.Mean) -> None:
        self.words += [len(op.output.places), op.count, op.output.width]
        self.rows(op.input)
        self.rows(op.output)

    @put.register
    def _(self, op: ops.Pad) -> None:
        self.words += [*op.size, *op.padding]
        self.rows(op.source)
        self.words.append(self.offset(op.output))

    @put.register
    def _(self, op: ops.Gather) -> None:
        self.words += [len(op.table), self.table(op.table)]
        self.rows(op.source)
        self.words.append(self.offset(op.output))

    @put.register
    def _(self, op: ops.Quantise) -> None:
        codes = op.codes
        self.words += [codes.rows, codes.width, codes.together]
        self.rows(op.input)
        self.words += [self.offset(codes.codes), self.offset(codes.ranges)]
        self.words.append(int(codes.zeros is not None))
        if codes.zeros is not None:
            self.words.append(self.offset(codes.zeros))

    @put.register
    def _(self, op: ops.LinearInt8) -> None:
        codes = op.codes
        self.words += [codes.rows, codes.width, len(op.weights.scales), codes.together]
        self.words += [self.offset(codes.codes), self.offset(codes.ranges)]
        self.weights(op)
        self.epilogue(op.epilogue, padded=True)

    @put.register
    def _(self, op: ops.ConvolutionInt8) -> None:
        self.window(op.window)
        self.words += [len(op.weights.scales), self.offset(op.codes.ranges)]
        self.words.append(self.offset(op.codes.zeros))
        self.int8_weights(op.weights)
        self.epilogue(op.epilogue, padded=True)

    @put.register
    def _(self, op: ops.InvertedResidual) -> None:
        depthwise, project = op.depthwise, op.project
        self.window(dataclasses.replace(depthwise.window, buffer=op.scratch, start=0))
        self.expand(op.expand)
        self.words.append(self.numbers(depthwise.weights))
        self.words.append(self.numbers(depthwise.epilogue.bias))
        self.choose(depthwise.epilogue.first)
        self.words.append(int(op.adds_input))
        self.choose(depthwise.epilogue.second)
        self.words += [int(isinstance(project, ops.LinearInt8)), columns_of(project)]
        self.weights(project)
        self.epilogue(project.epilogue, padded=True)
        self.words += [JOBS, self.offset(op.scratch)]

    @put.register
    def _(self, op: general.Unary) -> None:
        self.choose(op.function)
        self.words += [self.number(op.a), self.number(op.b)]
        self.words += [len(op.input.places), op.input.width]
        self.rows(op.input)
        self.rows(op.output)

    @put.register
    def _(self, op: general.Binary) -> None:
        self.choose(op.kind)
        self.words += [len(op.output.places), op.output.width]
        for side in (op.left, op.right):
            self.side(side)
        self.choose(op.activation)
        self.rows(op.output)

    @put.register
    def _(self, op: general.Select) -> None:
        self.words += [len(op.output.places), op.output.width]
        for side in (op.condition, op.left, op.right):
            self.side(side)
        self.rows(op.output)

    @put.register
    def _(self, op: general.Transpose) -> None:
        self.words += [len(op.input.places), op.rows, op.columns]
        self.matrices(op.input)
        self.words += [op.step, self.offset(op.output)]

    @put.register
    def _(self, op: general.Reduction) -> None:
        self.choose(op.kind)
        self.words += [int(op.across), self.number(op.scale), self.number(op.eps)]
        self.words += [len(op.output.places), op.count, op.input.width]
        self.rows(op.input)
        self.rows(op.output)

    @put.register
    def _(self, op: general.Softmax) -> None:
        self.words += [int(op.log), len(op.input.places), op.input.width]
        self.rows(op.input)
        self.rows(op.output)

    @put.register
    def _(self, op: general.Matmul) -> None:
        self.words += [len(op.output.places), op.rows, op.depth, op.columns]
        self.matrices(op.left)
        self.matrices(op.right)
        self.words += [op.step, self.number(op.scale)]
        self.matrices(op.output)
        self.words.append(self.offset(op.scratch))

    def side(self, side: ops.Side) -> None:
        self.words.append(int(side.repeats))
        self.rows(side.rows)

    def expand(self, layer: ops.Linear | ops.LinearInt8) -> None:
        """Put the input, weights, bias and activation of an expanding layer."""
        if isinstance(layer, ops.LinearInt8):
            self.words += [1, layer.codes.width, columns_of(layer)]
            self.words += [self.offset(layer.codes.codes), self.offset(layer.codes.ranges)]
        else:
            self.words += [0, layer.weights.shape[1], columns_of(layer)]
            self.rows(layer.input)
        self.weights(layer)
        self.bias(layer.epilogue.bias, padded=True)
        self.choose(layer.epilogue.first)

    def weights(self, layer: ops.Linear | ops.LinearInt8) -> None:
        if isinstance(layer, ops.LinearInt8):
            self.int8_weights(layer.weights)
        else:
            self.words.append(self.numbers(panels(layer.weights)))

    def int8_weights(self, weights: Int8Weights) -> None:
        columns = len(weights.scales)
        totals = weights.codes.reshape(columns, -1).sum(axis=1, dtype=np.int64)
        self.words.append(self.constant(code_panels(weights.codes)))
        for values in (weights.scales, totals):
            self.words.append(self.constant(padded_to_panels(values).astype(np.float32)))
