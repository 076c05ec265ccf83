"""Check every reference from a specification into the weights file against that file.

A blob begins with 64 bytes: the mark DEADBEEF, its dtype, its size in bytes, and the offset of its
data (coremltools, `mlmodel/src/MILBlob/Blob/StorageFormat.hpp`).
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hvit_edge.errors import ArtifactError

MARK = 0xDEADBEEF
HEADER = struct.Struct("<IIQQ")
HEADER_SIZE = 64


@dataclass(frozen=True)
class Reference:
    """Describes a use of a blob.

    Attributes:
        kind: the type of the operator that reads it: "const", or one that expands compressed
            weights.
        operator: the operator's name.
        argument: the operator's input that it is.
        value: the protobuf with the tensor's type and the offset in the file.
    """

    kind: str
    operator: str
    argument: str
    value: Any

    @property
    def dtype(self) -> str:
        """Return the dtype as the specification names it: "FLOAT16", "INT8", "UINT4"."""
        tensor = self.value.type.tensorType
        enum = tensor.DESCRIPTOR.fields_by_name["dataType"].enum_type
        return enum.values_by_number[tensor.dataType].name

    @property
    def shape(self) -> tuple[int, ...]:
        """Return the tensor's shape; for indices that are packed into bytes, their
        number of bytes.
        """
        return tuple(d.constant.size for d in self.value.type.tensorType.dimensions)

    @property
    def bytes(self) -> int:
        """Return the bytes that the tensor needs; elements of less than a byte are packed."""
        digits = "".join(letter for letter in self.dtype if letter.isdigit())
        return math.ceil(math.prod(self.shape) * (int(digits) if digits else 8) / 8)


def check_blobs(spec: Any, folder: Path) -> None:
    """Check that each blob that `spec` refers to is in a file of `folder`.

    Raises:
        ArtifactError: files are missing, or blobs are not in their files; up to three are named.
    """
    faults = []
    sizes: dict[str, int] = {}
    for reference in sorted(references(spec), key=lambda found: found.value.blobFileValue.offset):
        file = folder / reference.value.blobFileValue.fileName.split("/")[-1]
        if file.name not in sizes:
            sizes[file.name] = file.stat().st_size if file.is_file() else -1
            if sizes[file.name] < 0:
                faults.append(f"weights file {file.name} is missing")
        if sizes[file.name] >= 0:
            fault = _fault(file, sizes[file.name], reference)
            faults += [f"{reference.operator} {fault}"] if fault else []
    if faults:
        shown = "; ".join(faults[:3]) + (f"; and {len(faults) - 3} more" if faults[3:] else "")
        raise ArtifactError(
            f"[read_package] expected all weights of the program in {folder}, got faults: {shown};"
            " copy the whole folder again, or convert the model again"
        )


def references(spec: Any) -> Iterator[Reference]:
    """Yield every use of a blob in all functions of a program."""
    for function in spec.mlProgram.functions.values():
        for block in function.block_specializations.values():
            yield from _in_block(block)


def _in_block(block: Any) -> Iterator[Reference]:
    for operation in block.operations:
        name = operation.outputs[0].name if operation.outputs else operation.type
        values = list(operation.attributes.items())
        for key, argument in operation.inputs.items():
            values += [
                (key, binding.value)
                for binding in argument.arguments
                if binding.WhichOneof("binding") == "value"
            ]
        for key, value in values:
            if value.WhichOneof("value") == "blobFileValue":
                yield Reference(operation.type, name, key, value)
        for nested in operation.blocks:
            yield from _in_block(nested)


def _fault(file: Path, size: int, reference: Reference) -> str | None:
    offset = reference.value.blobFileValue.offset
    if offset + HEADER_SIZE > size:
        return f"begins at byte {offset} of {size} in {file.name}"
    with file.open("rb") as stream:
        stream.seek(offset)
        mark, _, length, start = HEADER.unpack(stream.read(HEADER.size))
    if mark != MARK:
        return f"does not begin at byte {offset} of {file.name}"
    if start + length > size:
        return f"ends at byte {start + length} of {size} in {file.name}"
    if length < reference.bytes:
        return f"has {length} bytes in {file.name}, needs {reference.bytes}"
    return None
