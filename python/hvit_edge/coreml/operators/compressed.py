"""Expand constants that a program stores compressed; iOS 16 packs bits, iOS 18 has
types for them.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from hvit_edge.coreml.operators.quantization import along
from hvit_edge.coreml.operators.registry import IOS18, operator


@operator("constexpr_cast")
def constexpr_cast(source_val: Tensor, *, output_dtype: str) -> Tensor:
    """Return the source; storing the result casts it."""
    return source_val


@operator("constexpr_affine_dequantize")
def constexpr_affine_dequantize(
    quantized_data: Tensor, zero_point: Tensor, scale: Tensor, *, axis: int
) -> Tensor:
    """Return scale * (data - zero_point); both are scalars or vectors along `axis`."""
    centered = quantized_data - along(zero_point, quantized_data, axis)
    return centered * along(scale, quantized_data, axis)


@operator("constexpr_lut_to_dense")
def lut_to_dense_packed(indices: Tensor, lut: Tensor, *, shape: list[int]) -> Tensor:
    """Look up indices that are packed into bytes [M], least significant bits first."""
    bits = (lut.numel() - 1).bit_length()
    unpacked = np.unpackbits(indices.numpy().astype(np.uint8), bitorder="little")
    count = int(np.prod(shape))
    places = unpacked[: count * bits].reshape(count, bits) @ (1 << np.arange(bits))
    return lut[torch.from_numpy(places.astype(np.int64))].reshape(shape)


@operator("constexpr_lut_to_dense", since=IOS18)
def lut_to_dense(indices: Tensor, lut: Tensor, *, vector_axis: int | None = None) -> Tensor:
    """Look up indices [...] in tables [blocks ..., palettes, vector]; vectors are along the axis.

    Each dimension of the indices is divided evenly among the blocks of tables.
    """
    shape = indices.shape
    block = torch.zeros(1, dtype=torch.int64)
    for size, blocks in zip(shape, lut.shape, strict=False):
        block = block[..., None] * blocks + torch.arange(size) // (size // blocks)
    palettes, length = lut.shape[-2:]
    dense = lut.reshape(-1, palettes, length)[block.reshape(shape), indices]
    if length == 1:
        return dense.squeeze(-1)
    axis = vector_axis % indices.ndim
    return dense.movedim(-1, axis + 1).flatten(axis, axis + 1)


@operator("constexpr_blockwise_shift_scale")
def blockwise_shift_scale(data: Tensor, scale: Tensor, offset: Tensor | None = None) -> Tensor:
    """Return scale * (data - offset), with one of each for every block of the data."""
    if offset is not None:
        data = data - _spread(offset, data.shape)
    return data * _spread(scale, data.shape)


@operator("constexpr_sparse_to_dense")
def sparse_to_dense_packed(nonzero_data: Tensor, mask: Tensor, *, shape: list[int]) -> Tensor:
    """Return the data where a bit of the mask [M] is set, else 0; the least significant bit is
    first.
    """
    bits = np.unpackbits(mask.numpy().astype(np.uint8), bitorder="little")
    return sparse_to_dense(
        nonzero_data, torch.from_numpy(bits[: int(np.prod(shape))]).reshape(shape)
    )


@operator("constexpr_sparse_to_dense", since=IOS18)
def sparse_to_dense(nonzero_data: Tensor, mask: Tensor) -> Tensor:
    """Return the data, in order, where the mask is 1, else 0."""
    dense = torch.zeros(mask.shape, dtype=nonzero_data.dtype)
    dense[mask != 0] = nonzero_data
    return dense


@operator("constexpr_lut_to_sparse")
def lut_to_sparse(
    indices_mask: Tensor,
    indices_nonzero_data: Tensor,
    lut: Tensor,
    *,
    vector_axis: int | None = None,
) -> tuple[Tensor, Tensor]:
    """Return the mask of the looked-up values, and the values at its ones."""
    dense = lut_to_dense(
        sparse_to_dense(indices_nonzero_data, indices_mask), lut, vector_axis=vector_axis
    )
    mask = indices_mask
    if lut.shape[-1] > 1:
        mask = mask.repeat_interleave(lut.shape[-1], vector_axis)
    return mask, dense[mask != 0]


@operator("constexpr_sparse_blockwise_shift_scale")
def sparse_blockwise_shift_scale(
    data_mask: Tensor, nonzero_data: Tensor, scale: Tensor, offset: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Return the mask, and `constexpr_blockwise_shift_scale` of the data at its ones."""
    dense = blockwise_shift_scale(sparse_to_dense(nonzero_data, data_mask), scale, offset)
    return data_mask, dense[data_mask != 0]


def _spread(values: Tensor, shape: torch.Size) -> Tensor:
    for axis, size in enumerate(shape):
        if values.shape[axis] not in (1, size):
            values = values.repeat_interleave(size // values.shape[axis], axis)
    return values
