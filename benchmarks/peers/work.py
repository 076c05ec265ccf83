"""Counts the work of a converted graph, to detect a converter that drops a part of it."""

from math import prod


def of_weights(output, weights):
    """Return the multiply-adds of a convolution or linear layer.

    Args:
        output: its shape.
        weights: the shape [outputs, ...]; one output value sums over all but the first dimension.
    """
    return _size(output) * _size(weights[1:])


def of_matmul(output, depth):
    """Return the multiply-adds of a matrix product of this shape that sums over `depth` values."""
    return _size(output) * int(depth)


def _size(shape):
    return prod(int(length) for length in shape)  # numpy's would overflow
