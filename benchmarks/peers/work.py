"""How much a converted graph has left to do, to notice a converter that drops some of it."""

from math import prod


def of_weights(output, weights):
    """Multiply-adds of a convolution or linear layer.

    Args:
        output: its shape.
        weights: the shape [outputs, ...]; all but the first are what one output value sums over.
    """
    return _size(output) * _size(weights[1:])


def of_matmul(output, depth):
    """Multiply-adds of a matrix product of that shape, which sums over `depth` values."""
    return _size(output) * int(depth)


def _size(shape):
    return prod(int(length) for length in shape)  # numpy's would overflow
