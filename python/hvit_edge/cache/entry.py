"""Write plain values and tensors as bytes, and read them; nothing in them is executed.

8 bytes with the length of the JSON, then {"value", "tensors": [{"dtype", "shape"}]}, then the bytes
of the tensors.
"""

from __future__ import annotations

import hashlib
import json
import math
import struct
from dataclasses import dataclass

import torch

_LENGTH = struct.Struct("<Q")
DTYPES = {
    str(dtype).removeprefix("torch."): dtype
    for dtype in (torch.float64, torch.float32, torch.float16, torch.bfloat16)
    + (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool)
}


class NotStorable(Exception):
    """Raised for a value that an entry cannot hold."""


@dataclass(frozen=True)
class Entry:
    """Holds what one file contains: a value of JSON, and dense tensors that it refers to."""

    value: object
    tensors: tuple[torch.Tensor, ...] = ()

    def to_bytes(self) -> bytes:
        """Return the entry as bytes.

        Raises:
            NotStorable: the value is not one of JSON, or a tensor is sparse or of another dtype.
        """
        head = self._head()
        return b"".join([_LENGTH.pack(len(head)), head, *map(tensor_bytes, self.tensors)])

    def digest(self) -> str:
        """Return the SHA-256 digest of `to_bytes()` as hex digits.

        Raises:
            NotStorable: see `to_bytes`.
        """
        digest = hashlib.sha256(self._head())
        for tensor in self.tensors:
            digest.update(tensor_bytes(tensor))
        return digest.hexdigest()

    def _head(self) -> bytes:
        return _json({"value": self.value, "tensors": [_form(t) for t in self.tensors]})


def read_entry(data: bytes | memoryview) -> Entry:
    """Return the entry that `data` contains.

    Raises:
        ValueError, KeyError, TypeError: `data` is not from `Entry.to_bytes`.
    """
    data = memoryview(data)
    if len(data) < _LENGTH.size:
        raise ValueError("no length")
    start = _LENGTH.size + _LENGTH.unpack_from(data)[0]
    head = json.loads(bytes(data[_LENGTH.size : start]))
    tensors = []
    for form in head["tensors"]:
        dtype, shape = DTYPES[form["dtype"]], [int(side) for side in form["shape"]]
        size = math.prod(shape) * dtype.itemsize
        part = data[start : start + size]
        if len(part) != size:
            raise ValueError("too short")
        tensor = torch.empty(shape, dtype=dtype)
        if size:
            tensor_bytes(tensor)[:] = part
        tensors.append(tensor)
        start += size
    if start != len(data):
        raise ValueError("too long")
    return Entry(head["value"], tuple(tensors))


def tensor_bytes(tensor: torch.Tensor) -> memoryview:
    """Return the elements of a dense tensor in their order, without a copy if it is contiguous.

    Raises:
        NotStorable: the tensor is sparse, quantized, without data, or of another dtype.
    """
    _form(tensor)
    flat = tensor.detach().contiguous().reshape(-1)
    return memoryview(flat.view(torch.uint8).numpy())


def _form(tensor: torch.Tensor) -> dict[str, object]:
    dtype = str(tensor.dtype).removeprefix("torch.")
    plain = type(tensor) in (torch.Tensor, torch.nn.Parameter)
    dense = tensor.layout is torch.strided and tensor.device.type == "cpu"
    if not (plain and dense) or dtype not in DTYPES or tensor.is_neg() or tensor.is_conj():
        raise NotStorable(f"a tensor of {tensor.dtype} in {tensor.layout} on {tensor.device}")
    return {"dtype": dtype, "shape": list(tensor.shape)}


def _json(value: object) -> bytes:
    try:
        return json.dumps(value, separators=(",", ":")).encode()
    except (TypeError, ValueError) as error:
        raise NotStorable(str(error)) from error
