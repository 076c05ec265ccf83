"""Compute the sizes of the memory that operations work in.

cpp/src/native/scratch.h computes the same sizes. cpp/tests/data/scratch_sizes.txt has examples that
tests of both languages compare with: a writer that reserves less than the kernels use would let
them overwrite other buffers.
"""

from __future__ import annotations

from hvit_edge.targets.native.plan_limits import ALIGNMENT, PANEL


def padded_to_panels(columns: int) -> int:
    """Return the columns of a packed matrix."""
    return -(-columns // PANEL) * PANEL


def attention_values(heads: int, keys: int, width: int, value_width: int) -> int:
    """Return the number of values in the packed keys and values of all heads."""
    return heads * (padded_to_panels(keys) * width + padded_to_panels(value_width) * keys)


def matmul_values(batches: int, depth: int, columns: int) -> int:
    """Return the number of values in the packed right sides of a batched product."""
    return batches * padded_to_panels(columns) * depth


def code_bytes(rows: int, columns: int) -> int:
    """Return the bytes of int8 rows, each padded to a multiple of four."""
    return rows * -(-columns // 4) * 4


def range_bytes(rows: int, together: int) -> int:
    """Return the bytes of the ranges (scale and zero, float32) of rows that share them."""
    return 8 * -(-rows // together)


def job_bytes(
    ring: int, width: int, channels: int, out_width: int, value_bytes: int, *, is_int8: bool
) -> int:
    """Return the bytes of one job of an inverted residual.

    Args:
        ring: rows of the expanded map that are kept.
        width, channels: the width and channels of the expanded map.
        out_width: the width of the depthwise convolution's map.
        value_bytes: bytes of a number.
        is_int8: the projecting layer reads int8 codes.
    """
    parts = [ring * width * channels * value_bytes, out_width * channels * value_bytes]
    if is_int8:
        parts += [code_bytes(out_width, channels), range_bytes(out_width, 1)]
    return sum(-(-part // ALIGNMENT) * ALIGNMENT for part in parts)
