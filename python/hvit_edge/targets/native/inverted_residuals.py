"""Fuse a layer, a depthwise convolution and a layer so that the map between them stays in the
cache.

The wide map between an expanding and a projecting layer is the largest of a network, and only the
depthwise convolution reads it. If the map is computed row by row, no more rows of it are needed at
a time than the height of the kernel.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from hvit_edge.targets.native import operations as ops
from hvit_edge.targets.native.operations import Epilogue, Window
from hvit_edge.targets.native.scratch import job_bytes
from hvit_edge.targets.native.values import Buffer, Number, Rows, Space

JOBS = 8
"""The most parts of a map that are computed in parallel, each in separate memory."""
LARGEST_CACHE = 512 * 1024
"""The bytes of a job that fit in a core's private cache."""


def fuse_inverted_residuals(
    operations: Sequence[ops.Operation], number: Number
) -> list[ops.Operation]:
    """Replace each chain of these operations whose intermediate results nothing else reads."""
    fused: list[ops.Operation] = []
    remaining = list(operations)
    readers = Counter(buffer for operation in operations for buffer in _inputs(operation))
    while remaining:
        chain = _chain(remaining, readers, number)
        if chain is None:
            fused.append(remaining.pop(0))
            continue
        operation, length = chain
        fused.append(operation)
        del remaining[:length]
    return fused


def columns_of(layer: ops.Linear | ops.LinearInt8) -> int:
    """Return the number of outputs of a linear layer."""
    if isinstance(layer, ops.LinearInt8):
        return len(layer.weights.scales)
    return len(layer.weights)


def _inputs(operation: ops.Operation) -> list[Buffer]:
    written = set(operation.writes())
    return [buffer for buffer in operation.reads() if buffer not in written]


def _chain(
    operations: Sequence[ops.Operation], readers: Counter[Buffer], number: Number
) -> tuple[ops.InvertedResidual, int] | None:
    """Return the fused form of the first operations and their number, or None if they
    do not fit.
    """
    expand, depthwise, *rest = [*operations[:4], None, None]
    if not isinstance(expand, ops.Linear | ops.LinearInt8):
        return None
    if not isinstance(depthwise, ops.Depthwise):
        return None
    quantise = rest[0] if isinstance(rest[0], ops.Quantise) else None
    project = rest[1] if quantise is not None else rest[0]
    if not isinstance(project, ops.LinearInt8 if quantise is not None else ops.Linear):
        return None
    adds_input = depthwise.epilogue.residual is not None
    if not _expands(expand, depthwise.window, readers, number, adds_input=adds_input):
        return None
    if adds_input and not _adds_itself(depthwise):
        return None
    if not _projects(depthwise.epilogue, quantise, project, readers):
        return None
    of_job = bytes_of_job(depthwise.window, number, is_int8=quantise is not None)
    scratch = Buffer(JOBS * of_job, of_bytes=True)
    operation = ops.InvertedResidual(expand, depthwise, adds_input, project, scratch)
    operation.name = f"InvertedResidual {depthwise.name.partition(' ')[2]}".strip()
    return operation, 3 if quantise is None else 4


def _expands(
    expand: ops.Linear | ops.LinearInt8,
    window: Window,
    readers: Counter[Buffer],
    number: Number,
    *,
    adds_input: bool,
) -> bool:
    """Return True if a layer makes the map that a window slides over, and nothing else reads it."""
    epilogue = expand.epilogue
    height, width, channels = window.size
    plain = epilogue.residual is None and getattr(expand, "taps", None) is None
    ranges = not isinstance(expand, ops.LinearInt8) or expand.codes.together == 1
    return (
        plain
        and ranges
        and epilogue.output.buffer is window.buffer
        and window.buffer.space is Space.ARENA
        and readers[window.buffer] == (2 if adds_input else 1)
        and (window.start, window.strides) == (0, (width * channels, channels))
        and _is_dense(epilogue.output, height * width)
        and bytes_of_job(window, number, is_int8=True) <= LARGEST_CACHE
    )


def _adds_itself(depthwise: ops.Depthwise) -> bool:
    """Return True if a convolution adds its input, pixel by pixel."""
    window, residual = depthwise.window, depthwise.epilogue.residual
    height, width, _ = window.size
    same = (window.outputs, window.steps) == ((height, width), (1, 1))
    if residual is None or residual.buffer is not window.buffer:
        return False
    return same and _is_dense(residual, height * width)


def _projects(
    made: Epilogue,
    quantise: ops.Quantise | None,
    project: ops.Linear | ops.LinearInt8,
    readers: Counter[Buffer],
) -> bool:
    """Return True if a layer is the only reader of the convolution's output."""
    source = quantise.input if quantise is not None else _input_of(project)
    count = len(made.output.places)
    if source is None or source.buffer is not made.output.buffer or not _is_dense(source, count):
        return False
    if readers[source.buffer] != 1 or getattr(project, "taps", None) is not None:
        return False
    if quantise is None or not isinstance(project, ops.LinearInt8):
        return True
    codes = quantise.codes
    return project.codes is codes and codes.together == 1 and readers[codes.codes] == 1


def _input_of(layer: ops.Linear | ops.LinearInt8) -> Rows | None:
    """Return the float rows that a layer reads; None for a layer that reads codes."""
    return layer.input if isinstance(layer, ops.Linear) else None


def _is_dense(rows: Rows, count: int) -> bool:
    """Return True if these are `count` rows, one after another, from the buffer's
    first value on.
    """
    return len(rows.places) == count and rows.places[0] == 0 and rows.stride == rows.width


def bytes_of_job(window: Window, number: Number, *, is_int8: bool) -> int:
    """Return the bytes that a job of this depthwise convolution works in."""
    _, width, channels = window.size
    ring, out_width = window.kernel[0], window.outputs[1]
    return job_bytes(ring, width, channels, out_width, number.bytes, is_int8=is_int8)
