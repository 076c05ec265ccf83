"""Write ExecuTorch programs whose methods are one call of a delegate each, or return constants.

ExecuTorch's own way to such a program traces modules that stand for the call, and imports all of
its compiler, which takes longer than everything else for a small network. The bytes that are
written here equal those that ExecuTorch writes (tests/artifact/test_write_program.py).
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from hvit_edge.artifact.program_schema import ALIGNMENT, Fields, pack

SEGMENT_ALIGNMENT = 128
HEADER_MAGIC = b"eh00"
HEADER_BYTES = 32
IN_SEGMENT = 1
_SCALAR_TYPES = {
    "uint8": 0,
    "int8": 1,
    "int16": 2,
    "int32": 3,
    "int64": 4,
    "float16": 5,
    "float32": 6,
    "float64": 7,
    "bool": 11,
}
"""ExecuTorch's numbers of dtypes, by NumPy's names."""
_LEAF = {"type": None, "context": None, "children_spec": []}


@dataclass(frozen=True)
class TensorForm:
    """Describes an input or output.

    Attributes:
        shape: its fixed shape.
        dtype: NumPy's name of its dtype, such as `float32`.
    """

    shape: tuple[int, ...]
    dtype: str = "float32"

    @property
    def bytes(self) -> int:
        """Return the size in memory, in bytes, without padding."""
        return int(np.prod(self.shape, dtype=np.int64)) * np.dtype(self.dtype).itemsize


@dataclass(frozen=True)
class DelegateMethod:
    """Describes a method that calls a delegate once, with all inputs and outputs.

    Attributes:
        name: name of the method, such as `forward`.
        backend: name under which the runtime knows the delegate's backend.
        payload: the bytes that the backend is given.
        inputs, outputs: the tensors, in the order of the call.
    """

    name: str
    backend: str
    payload: bytes
    inputs: tuple[TensorForm, ...]
    outputs: tuple[TensorForm, ...]


def write_program(
    methods: Sequence[DelegateMethod],
    constants: Mapping[str, object],
    named: Mapping[str, bytes] | None = None,
) -> bytes:
    """Return the bytes of a program.

    Args:
        methods: methods that run; equal payloads are stored once.
        constants: by method name, what it returns: a str, int, float, list of int or float, or a
            tensor (any array that NumPy can read).
        named: data that backends find by name; each begins at a multiple of `SEGMENT_ALIGNMENT`.
    """
    data = _Data()
    plans = [_calling(method, data) for method in methods]
    plans += [_returning(name, value, data) for name, value in constants.items()]
    named = named or {}
    stored = [data.constants, *data.payloads, *named.values()]
    first = 1 + len(data.payloads)
    segments, body = [], bytearray()
    for segment in stored:
        _pad(body, SEGMENT_ALIGNMENT)
        segments.append({"offset": len(body), "size": len(segment)})
        body += segment
    program = pack(
        {
            "version": 0,
            "execution_plan": plans,
            "constant_buffer": [],
            "backend_delegate_data": [],
            "segments": segments,
            "constant_segment": {"segment_index": 0, "offsets": data.offsets},
            "named_data": [
                {"key": key, "segment_index": first + index} for index, key in enumerate(named)
            ]
            or None,
        }
    )
    head = bytearray(_with_header(program, len(body)))
    _pad(head, SEGMENT_ALIGNMENT)
    return b"".join((head, body))


@dataclass
class _Data:
    """Collects what a program stores outside its tables.

    Attributes:
        constants: all constant tensors, each at a multiple of the alignment.
        offsets: where each constant begins; the first one stands for tensors that are computed.
        payloads: the distinct payloads of delegates.
    """

    constants: bytearray = field(default_factory=bytearray)
    offsets: list[int] = field(default_factory=lambda: [0])
    payloads: list[bytes] = field(default_factory=list)
    _known: dict[bytes, int] = field(default_factory=dict)

    def constant(self, data: bytes) -> int:
        """Store a constant if it is new, and return its index."""
        if data not in self._known:
            _pad(self.constants, ALIGNMENT)
            self.offsets.append(len(self.constants))
            self.constants += data
            self._known[data] = len(self.offsets) - 1
        return self._known[data]

    def payload(self, data: bytes) -> int:
        """Store a payload if it is new, and return the index of its segment."""
        if data not in self.payloads:
            self.payloads.append(data)
        return 1 + self.payloads.index(data)


def _calling(method: DelegateMethod, data: _Data) -> Fields:
    """Return the plan of a method that calls a delegate."""
    forms = [*method.inputs, *method.outputs]
    places, total = _memory(forms)
    ends = len(method.inputs)
    inputs, outputs = list(range(ends)), list(range(ends, len(forms)))
    call = ("DelegateCall", {"delegate_index": 0, "args": [*inputs, *outputs]})
    processed = {"location": IN_SEGMENT, "index": data.payload(method.payload)}
    return _plan(
        method.name,
        given=_nested("tuple", [_nested("tuple", [_LEAF] * ends), _nested("dict", [])]),
        returned=_nested("tuple", [_LEAF] * len(outputs)),
        values=[
            _tensor(form, allocation_info=_allocation(place))
            for form, place in zip(forms, places, strict=True)
        ],
        inputs=inputs,
        outputs=outputs,
        chains=[_chain([{"instr_args": call}])],
        delegates=[{"id": method.backend, "processed": processed, "compile_specs": []}],
        non_const_buffer_sizes=[0, total],
    )


def _returning(name: str, value: object, data: _Data) -> Fields:
    """Return the plan of a method that returns a constant."""
    items = value if isinstance(value, list) else [value]
    values = [_constant(item, data) for item in items]
    returned = _nested("list", [_LEAF] * len(items)) if isinstance(value, list) else _LEAF
    return _plan(
        name,
        given=None,
        returned=returned,
        values=values,
        inputs=[],
        outputs=list(range(len(values))),
        chains=[_chain([])],
        delegates=[],
        non_const_buffer_sizes=[0],
    )


def _plan(name: str, *, given: object, returned: object, **fields: object) -> Fields:
    forms = {"encoded_inp_str": _encoded(given), "encoded_out_str": _encoded(returned)}
    return {"name": name, "container_meta_type": forms, "operators": [], **fields}


def _chain(instructions: list[Fields]) -> Fields:
    return {"inputs": [], "outputs": [], "instructions": instructions}


def _constant(item: object, data: _Data) -> Fields:
    if isinstance(item, str):
        return {"val": ("String", {"string_val": item})}
    if isinstance(item, int):
        return {"val": ("Int", {"int_val": item})}
    if isinstance(item, float):
        return {"val": ("Double", {"double_val": item})}
    array = np.asarray(item)
    form = TensorForm(array.shape, array.dtype.name)
    return _tensor(form, data_buffer_idx=data.constant(array.tobytes()))


def _tensor(form: TensorForm, **stored: object) -> Fields:
    fields = {
        "scalar_type": _SCALAR_TYPES[form.dtype],
        "sizes": form.shape,
        "dim_order": range(len(form.shape)),
        **stored,
    }
    return {"val": ("Tensor", fields)}


def _allocation(place: int) -> Fields:
    return {"memory_id": 1, "memory_offset_low": place % 2**32, "memory_offset_high": place >> 32}


def _memory(forms: Sequence[TensorForm]) -> tuple[list[int], int]:
    """Return the offset of each tensor and the size of the memory; all are needed at once."""
    places, total = [0] * len(forms), 0
    sizes = [_aligned(form.bytes, ALIGNMENT) for form in forms]
    for index in sorted(range(len(forms)), key=lambda index: (sizes[index], index), reverse=True):
        places[index] = total
        total += sizes[index]
    return places, total


def _with_header(program: bytes, segments: int) -> bytes:
    """Insert ExecuTorch's extended header after the identifier of a flatbuffer."""
    root = struct.unpack_from("<I", program)[0] + HEADER_BYTES
    size = len(program) + HEADER_BYTES
    base = _aligned(size, SEGMENT_ALIGNMENT)
    header = struct.pack("<4sIQQQ", HEADER_MAGIC, HEADER_BYTES, size, base, segments)
    return struct.pack("<I", root) + program[4:8] + header + program[8:]


def _pad(data: bytearray, alignment: int) -> None:
    data += bytes(_aligned(len(data), alignment) - len(data))


def _aligned(size: int, alignment: int) -> int:
    return -(-size // alignment) * alignment


def _nested(kind: str, children: list) -> object:
    context = "[]" if kind == "dict" else "null"
    return {"type": f"builtins.{kind}", "context": context, "children_spec": children}


def _encoded(spec: object) -> str:
    """Return the text of PyTorch's `treespec_dumps`; empty for None."""
    return "" if spec is None else json.dumps([1, spec])
