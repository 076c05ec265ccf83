"""Pack the tables of ExecuTorch's programs as a flatbuffer.

The tables and their fields are those of ExecuTorch's `program.fbs`, in its order. Objects are
written in the order in which the code that `flatc` generates writes them, so that the bytes equal
those of ExecuTorch's own serializer. Imports neither torch nor ExecuTorch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import flatbuffers

IDENTIFIER = b"ET12"
ALIGNMENT = 16
"""Largest alignment in the schema, in bytes."""
KERNEL_TYPES = ("Null", "Int", "Bool", "Double", "Tensor", "String", "IntList", "DoubleList")
INSTRUCTIONS = ("KernelCall", "DelegateCall")
"""The members of the unions as far as they are used here; the first has number 1."""

Fields = Mapping[str, object]
"""Values of a table's fields by name; a field that is None or missing is not written."""

_SIZES = {"Int8": 1, "Uint8": 1, "Bool": 1, "Int32": 4, "Uint32": 4, "Uint64": 8, "Int64": 8}
_SIZES["Float64"] = 8
_TABLES: dict[str, tuple[tuple[str, str], ...]] = {
    "Program": (
        ("version", "Uint32"),
        ("execution_plan", "[ExecutionPlan]"),
        ("constant_buffer", "[Buffer]"),
        ("backend_delegate_data", "[BackendDelegateInlineData]"),
        ("segments", "[DataSegment]"),
        ("constant_segment", "SubsegmentOffsets"),
        ("mutable_data_segments", "[SubsegmentOffsets]"),
        ("named_data", "[NamedData]"),
    ),
    "ExecutionPlan": (
        ("name", "String"),
        ("container_meta_type", "ContainerMetadata"),
        ("values", "[EValue]"),
        ("inputs", "[Int32]"),
        ("outputs", "[Int32]"),
        ("chains", "[Chain]"),
        ("operators", "[Operator]"),
        ("delegates", "[BackendDelegate]"),
        ("non_const_buffer_sizes", "[Int64]"),
        ("non_const_buffer_device", "[NonConstBufferDevice]"),
    ),
    "ContainerMetadata": (("encoded_inp_str", "String"), ("encoded_out_str", "String")),
    "EValue": (("val", "KernelTypes"),),
    "Int": (("int_val", "Int64"),),
    "Double": (("double_val", "Float64"),),
    "String": (("string_val", "String"),),
    "Tensor": (
        ("scalar_type", "Int8"),
        ("storage_offset", "Int32"),
        ("sizes", "[Int32]"),
        ("dim_order", "[Uint8]"),
        ("requires_grad", "Bool"),
        ("data_buffer_idx", "Uint32"),
        ("allocation_info", "AllocationDetails"),
        ("layout", "Int8"),
        ("shape_dynamism", "Int8"),
        ("extra_tensor_info", "ExtraTensorInfo"),
    ),
    "AllocationDetails": (
        ("memory_id", "Uint32"),
        ("memory_offset_low", "Uint32"),
        ("memory_offset_high", "Uint32"),
    ),
    "Chain": (
        ("inputs", "[Int32]"),
        ("outputs", "[Int32]"),
        ("instructions", "[Instruction]"),
        ("stacktrace", "[FrameList]"),
    ),
    "Instruction": (("instr_args", "InstructionArguments"),),
    "DelegateCall": (("delegate_index", "Int32"), ("args", "[Int32]")),
    "BackendDelegate": (
        ("id", "String"),
        ("processed", "BackendDelegateDataReference"),
        ("compile_specs", "[CompileSpec]"),
    ),
    "BackendDelegateDataReference": (("location", "Int8"), ("index", "Uint32")),
    "DataSegment": (("offset", "Uint64"), ("size", "Uint64")),
    "NamedData": (("key", "String"), ("segment_index", "Uint32")),
    "SubsegmentOffsets": (("segment_index", "Uint32"), ("offsets", "[Uint64]")),
}
_UNIONS = {"KernelTypes": KERNEL_TYPES, "InstructionArguments": INSTRUCTIONS}


def pack(program: Fields) -> bytes:
    """Return a flatbuffer whose root is a `Program` with these fields.

    A value of a union is a pair: the name of its table, and the fields of that table.
    """
    builder = flatbuffers.Builder()
    builder.Finish(_table(builder, "Program", program), file_identifier=IDENTIFIER)
    return bytes(builder.Output())


def _table(builder: flatbuffers.Builder, name: str, fields: Fields) -> int:
    """Write a table after all that it points to; return its position."""
    kinds = _TABLES[name]
    unknown = set(fields) - {field for field, _ in kinds}
    if unknown:
        raise ValueError(f"[pack] expected fields of {name}, got {', '.join(sorted(unknown))}")
    given = [(kind, fields.get(field)) for field, kind in kinds]
    pointed = [
        None if value is None or kind in _SIZES else _pointed(builder, kind, value)
        for kind, value in given
    ]
    builder.StartObject(len(kinds) + sum(kind in _UNIONS for _, kind in kinds))
    slot = 0
    for (kind, value), position in zip(given, pointed, strict=True):
        if kind in _UNIONS and value is not None:
            builder.PrependUint8Slot(slot, 1 + _UNIONS[kind].index(value[0]), 0)
        slot += kind in _UNIONS
        if position is not None:
            builder.PrependUOffsetTRelativeSlot(slot, position, 0)
        elif kind in _SIZES and value is not None:
            getattr(builder, f"Prepend{kind}Slot")(slot, value, 0)
        slot += 1
    return builder.EndObject()


def _pointed(builder: flatbuffers.Builder, kind: str, value: object) -> int:
    """Write a value outside its table, and return its position."""
    if kind == "String":
        return builder.CreateString(value)
    if kind in _UNIONS:
        return _table(builder, *value)
    if kind.startswith("["):
        return _vector(builder, kind[1:-1], value)
    return _table(builder, kind, value)


def _vector(builder: flatbuffers.Builder, kind: str, items: Sequence) -> int:
    size = _SIZES.get(kind, 4)
    if kind not in _SIZES:
        items = [_pointed(builder, kind, item) for item in items]
    builder.StartVector(size, len(items), size)
    prepend = getattr(builder, f"Prepend{kind}" if kind in _SIZES else "PrependUOffsetTRelative")
    for item in reversed(items):
        prepend(item)
    return builder.EndVector()
