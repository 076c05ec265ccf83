"""Read types and constants from the specification of a Core ML program."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import torch

from hvit_edge.coreml.blobs import HEADER

DTYPES: dict[str, tuple[type[np.generic], torch.dtype]] = {
    "BOOL": (np.bool_, torch.bool),
    "FLOAT16": (np.float16, torch.float16),
    "FLOAT32": (np.float32, torch.float32),
    "INT8": (np.int8, torch.int8),
    "INT16": (np.int16, torch.int16),
    "INT32": (np.int32, torch.int32),
    "INT64": (np.int64, torch.int64),
    "UINT8": (np.uint8, torch.uint8),
    "UINT16": (np.uint16, torch.uint16),
    "UINT32": (np.uint32, torch.uint32),
}
"""The dtypes of numpy and torch, by the names of the specification."""
PACKED = {"UINT1": 1, "UINT2": 2, "UINT3": 3, "UINT4": 4, "UINT6": 6, "INT4": 4}
"""The bits of the dtypes whose elements are packed, the least significant bit first."""
BYTES = {name: torch.int8 if name == "INT4" else torch.uint8 for name in PACKED}
"""The dtypes that hold them unpacked."""
TEXT = "STRING"


class UnreadError(Exception):
    """Says that a program has something that only coremltools' reader knows."""


class Values:
    """Reads the constants of a package.

    Args:
        weights: the folder of the blobs.
    """

    def __init__(self, weights: Path) -> None:
        self._folder = weights
        self._files: dict[str, np.ndarray] = {}

    def read(self, value: Any) -> tuple[Any, tuple[int | None, ...], torch.dtype | None]:
        """Return a constant, its shape and its dtype.

        Args:
            value: the protobuf of the constant.

        Returns:
            An array, a string or a list of labels; labels and strings have no dtype.

        Raises:
            UnreadError: the constant has another form.
        """
        if value.WhichOneof("value") == "immediateValue":
            kind = value.immediateValue.WhichOneof("value")
            if kind == "list":
                labels = [self.read(each)[0] for each in value.immediateValue.list.values]
                return [_label(label) for label in labels], (), None
            if kind != "tensor":
                raise UnreadError(f"a constant {kind}")
        name, shape = described(value.type)
        if name == TEXT and not shape:
            return value.immediateValue.tensor.strings.values[0], (), None
        sizes = tuple(size for size in shape if size is not None)
        if len(sizes) < len(shape) or name not in (*DTYPES, *PACKED):
            raise UnreadError(f"a constant of {name} {list(shape)}")
        if name in PACKED:
            return self._unpacked(value, name, math.prod(sizes)).reshape(sizes), shape, BYTES[name]
        numpy_dtype, dtype = DTYPES[name]
        return self._array(value, numpy_dtype, math.prod(sizes)).reshape(sizes), shape, dtype

    def _unpacked(self, value: Any, name: str, count: int) -> np.ndarray:
        """Return packed elements as bytes."""
        bits = PACKED[name]
        packed = self._array(value, np.uint8, math.ceil(count * bits / 8))
        single = np.unpackbits(packed, count=count * bits, bitorder="little")
        found = single.reshape(count, bits) @ (1 << np.arange(bits, dtype=np.uint8))
        if BYTES[name] is torch.uint8:
            return found
        return (found.astype(np.int8) ^ 8) - 8  # the sign of four bits

    def _array(self, value: Any, dtype: type[np.generic], count: int) -> np.ndarray:
        if value.WhichOneof("value") == "immediateValue":
            return _immediate(value.immediateValue.tensor, dtype, count)
        blob = value.blobFileValue
        data = self._file(blob.fileName.split("/")[-1])
        start = HEADER.unpack_from(data, blob.offset)[-1]
        return np.frombuffer(data, dtype, count, start)

    def _file(self, name: str) -> np.ndarray:
        if name not in self._files:
            self._files[name] = np.fromfile(self._folder / name, np.uint8)
        return self._files[name]


def described(kind: Any) -> tuple[str, tuple[int | None, ...]]:
    """Return the dtype's name and the shape of a tensor's type.

    Raises:
        UnreadError: the type is another one, or has no fixed number of axes.
    """
    if kind.WhichOneof("type") != "tensorType":
        raise UnreadError(f"a {kind.WhichOneof('type')}")
    tensor = kind.tensorType
    if tensor.rank != len(tensor.dimensions):
        raise UnreadError(f"{len(tensor.dimensions)} dimensions of {tensor.rank}")
    shape = tuple(
        each.constant.size if each.WhichOneof("dimension") == "constant" else None
        for each in tensor.dimensions
    )
    return _names(tensor)[tensor.dataType], shape


def _names(tensor: Any) -> dict[int, str]:
    """Return the names of all dtypes by number."""
    values = tensor.DESCRIPTOR.fields_by_name["dataType"].enum_type.values
    return {each.number: each.name for each in values}


def _immediate(tensor: Any, dtype: type[np.generic], count: int) -> np.ndarray:
    """Return a small constant that is stored among the operators."""
    held = getattr(tensor, tensor.WhichOneof("value")).values
    if isinstance(held, bytes):
        return np.frombuffer(bytearray(held), dtype, count)
    return np.array(held, dtype)


def _label(value: Any) -> str | int:
    return value if isinstance(value, str) else int(value)
