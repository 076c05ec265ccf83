"""Every reference from a specification into the weights file, checked against that file.

A blob begins with 64 bytes: the mark DEADBEEF, its dtype, its size in bytes and where its data
begin (coremltools, `mlmodel/src/MILBlob/Blob/StorageFormat.hpp`).
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hvit_edge.errors import ArtifactError

MARK = 0xDEADBEEF
HEADER = struct.Struct("<IIQQ")
HEADER_SIZE = 64


def check_blobs(spec: Any, folder: Path) -> None:
    """Check that each blob that `spec` refers to lies in a file of `folder`.

    Raises:
        ArtifactError: naming every missing file and every blob outside its file.
    """
    faults = []
    sizes: dict[str, int] = {}
    for name, value in sorted(_references(spec), key=lambda found: found[1].blobFileValue.offset):
        file = folder / value.blobFileValue.fileName.split("/")[-1]
        if file.name not in sizes:
            sizes[file.name] = file.stat().st_size if file.is_file() else -1
            if sizes[file.name] < 0:
                faults.append(f"weights file {file.name} is missing")
        if sizes[file.name] >= 0:
            fault = _fault(file, sizes[file.name], value)
            faults += [f"{name} {fault}"] if fault else []
    if faults:
        shown = "; ".join(faults[:3]) + (f"; and {len(faults) - 3} more" if faults[3:] else "")
        raise ArtifactError(
            f"[read_package] expected all weights of the program in {folder}, got faults: {shown};"
            " copy the whole folder again, or convert the model again"
        )


def _references(spec: Any) -> Iterator[tuple[str, Any]]:
    for function in spec.mlProgram.functions.values():
        for block in function.block_specializations.values():
            yield from _in_block(block)


def _in_block(block: Any) -> Iterator[tuple[str, Any]]:
    for operation in block.operations:
        name = operation.outputs[0].name if operation.outputs else operation.type
        values = list(operation.attributes.values())
        for argument in operation.inputs.values():
            values += [
                binding.value
                for binding in argument.arguments
                if binding.WhichOneof("binding") == "value"
            ]
        for value in values:
            if value.WhichOneof("value") == "blobFileValue":
                yield name, value
        for nested in operation.blocks:
            yield from _in_block(nested)


def _fault(file: Path, size: int, value: Any) -> str | None:
    offset = value.blobFileValue.offset
    if offset + HEADER_SIZE > size:
        return f"begins at byte {offset} of {size} in {file.name}"
    with file.open("rb") as stream:
        stream.seek(offset)
        mark, _, length, start = HEADER.unpack(stream.read(HEADER.size))
    if mark != MARK:
        return f"does not begin at byte {offset} of {file.name}"
    if start + length > size:
        return f"ends at byte {start + length} of {size} in {file.name}"
    needed = _bytes_needed(value.type.tensorType)
    if length < needed:
        return f"has {length} bytes in {file.name}, needs {needed}"
    return None


def _bytes_needed(tensor: Any) -> int:
    """The bytes of a constant tensor; sub-byte elements are packed."""
    count = math.prod(dimension.constant.size for dimension in tensor.dimensions)
    return math.ceil(count * _bits(tensor.DESCRIPTOR, tensor.dataType) / 8)


def _bits(descriptor: Any, dtype: int) -> int:
    name = descriptor.fields_by_name["dataType"].enum_type.values_by_number[dtype].name
    digits = "".join(letter for letter in name if letter.isdigit())
    return int(digits) if digits else 8
