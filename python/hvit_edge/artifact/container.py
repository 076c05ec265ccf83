"""Write artifacts as docs/artifact.md specifies them; `runtime.Session` reads them."""

from __future__ import annotations

import os
import struct
import tempfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

import numpy as np

from hvit_edge.artifact.metadata import SOURCES, LayerRecord, Metadata
from hvit_edge.artifact.methods import field_of, written
from hvit_edge.artifact.task_fields import task_arrays, task_fields
from hvit_edge.errors import InputError
from hvit_edge.precision import CPUS
from hvit_edge.preprocess import Preprocess

MAGIC = b"HVITEDGE"
CONTAINER_VERSION = 1
DECIBEL_PLACES = 2

Arrays = tuple[np.ndarray, ...]
"""Tuple with one array per input or per output."""


@dataclass(frozen=True)
class GraphAnswer:
    """Holds the answer of a quantized graph, run by PyTorch, to the golden photo.

    Attributes:
        output: float32 [1, classes].
        least_sqnr_db: lowest allowed SQNR of a program of this graph against `output`, in dB.
    """

    output: np.ndarray
    least_sqnr_db: float


@dataclass(frozen=True)
class Golden:
    """Holds one photo and the correct answer to it, so that a device can check itself.

    Attributes:
        image: uint8 [height, width, 3], RGB, larger than the input of the network.
        output: float32 [1, classes], logits of eager PyTorch.
        graph: the answer of the quantized graph, for a precision lower than float32.
    """

    image: np.ndarray
    output: np.ndarray
    graph: GraphAnswer | None = None


@dataclass(frozen=True)
class GoldenTensors:
    """Holds one sample of a tensor artifact and the correct answer to it.

    Attributes:
        inputs, outputs: arrays in the order of the program's tensors, with their shapes and dtypes;
            the outputs are those of eager PyTorch.
        graph: the outputs of the quantized graph, for a precision lower than float32.
        least_sqnr_db: lowest allowed SQNR of a program of this graph against each of these outputs,
            in dB; minus infinity allows anything.
    """

    inputs: tuple[np.ndarray, ...]
    outputs: tuple[np.ndarray, ...]
    graph: tuple[np.ndarray, ...] | None = None
    least_sqnr_db: tuple[float, ...] = ()


@dataclass(frozen=True)
class GoldenPhoto:
    """Holds one photo and the correct answers to it, for a program with named outputs.

    Attributes:
        image: uint8 [height, width, 3], RGB, larger than the input of the network.
        outputs, graph, least_sqnr_db: see `GoldenTensors`.
    """

    image: np.ndarray
    outputs: tuple[np.ndarray, ...]
    graph: tuple[np.ndarray, ...] | None = None
    least_sqnr_db: tuple[float, ...] = ()


AnyGolden = Golden | GoldenTensors | GoldenPhoto


def constant_methods(metadata: Metadata, golden: AnyGolden) -> dict[str, object]:
    """Return metadata and golden sample as the constant methods of an ExecuTorch program."""
    methods = {**fields(metadata), **_tensors(task_arrays(metadata)), **_golden_methods(golden)}
    if metadata.cpu != CPUS[0]:
        methods["hve_cpu"] = metadata.cpu
    if metadata.layers:
        methods["hve_layers"] = "\n".join(map(_layer_line, metadata.layers))
    if metadata.operators:
        methods["hve_operators"] = "\n".join(f"{o.kind}\t{o.module}" for o in metadata.operators)
    return methods


def constant_methods_of(
    described: Sequence[tuple[Metadata, AnyGolden]],
) -> dict[str, object]:
    """Return metadata and golden samples of all methods of a program as constant methods.

    The first method has the plain names. A field of another method is only written if it differs;
    its name then has that of the method, see `methods.field_of`. Fields that only the first one has
    become empty texts.

    Args:
        described: metadata and golden sample of each method, the first one first.
    """
    (first, golden), *others = described
    shared = constant_methods(first, golden)
    every = {**shared, "hve_methods": written(first.methods)}
    for metadata, sample in others:
        own = constant_methods(metadata, sample)
        own = {**{name: "" for name in shared if isinstance(shared[name], str)}, **own}
        for name, value in own.items():
            if not _same(shared.get(name), value):
                every[field_of(name, metadata.method)] = value
    return every


def _same(one: object, other: object) -> bool:
    import torch

    if isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor):
        return torch.equal(one, other)
    return type(one) is type(other) and one == other


def _golden_methods(golden: AnyGolden) -> dict[str, object]:
    numbers: dict[str, object] = {}
    if isinstance(golden, Golden):
        arrays = {"hve_golden_image": golden.image, "hve_golden_output": golden.output}
        if golden.graph is not None:
            arrays["hve_graph_output"] = golden.graph.output
            numbers["hve_graph_sqnr"] = float(golden.graph.least_sqnr_db)
        return _tensors(arrays) | numbers
    if isinstance(golden, GoldenPhoto):
        arrays = {"hve_golden_image": golden.image}
    else:
        arrays = {f"hve_golden_input_{index}": one for index, one in enumerate(golden.inputs)}
    arrays |= {f"hve_golden_output_{index}": one for index, one in enumerate(golden.outputs)}
    if golden.graph is not None:
        arrays |= {f"hve_graph_output_{index}": a for index, a in enumerate(golden.graph)}
        numbers["hve_graph_sqnr"] = [float(least) for least in golden.least_sqnr_db]
    return _tensors(arrays) | numbers


def _tensors(arrays: dict[str, np.ndarray]) -> dict[str, object]:
    import torch

    return {name: torch.from_numpy(array.copy()) for name, array in arrays.items()}


def fields(metadata: Metadata) -> dict[str, object]:
    """Return the metadata of any artifact by name: strings, numbers and lists of numbers."""
    spec, parity = metadata.preprocess, metadata.parity
    of_photos = {} if spec is None else _photo_fields(metadata, spec)
    return {
        "hve_schema_version": metadata.schema_version,
        "hve_model_name": metadata.model_name,
        "hve_target": metadata.target,
        "hve_precision": metadata.precision,
        "hve_created": metadata.created,
        "hve_weights_source": metadata.weights_source,
        "hve_weights_sha256": metadata.weights_sha256,
        "hve_versions": "\n".join(f"{k}={v}" for k, v in metadata.versions.items()),
        **of_photos,
        **task_fields(metadata),
        "hve_golden_tolerance": float(metadata.golden_tolerance),
        "hve_parity": [
            float(parity.max_abs),
            float(parity.max_rel),
            float(parity.cosine),
            float(parity.top1_agree),
        ],
        **{name: getattr(metadata, key) for key, name in SOURCES.items() if getattr(metadata, key)},
    }


def _photo_fields(metadata: Metadata, spec: Preprocess) -> dict[str, object]:
    return {
        "hve_labels": "\n".join(metadata.labels),
        "hve_input_size": [int(side) for side in spec.input_size],
        "hve_resize": spec.resize,
        "hve_resize_size": int(spec.resize_size),
        "hve_interpolation": spec.interpolation,
        "hve_mean": [float(value) for value in spec.mean],
        "hve_std": [float(value) for value in spec.std],
        "hve_channel_order": spec.channel_order,
    }


def _layer_line(record: LayerRecord) -> str:
    decibel = f"{record.sqnr_db:.{DECIBEL_PLACES}f}"  # the format allows "inf" and "-inf"
    return f"{record.layer}\t{record.precision}\t{decibel}"


def seal(program: bytes) -> bytes:
    """Return `program` followed by the seal that readers check first."""
    checksum = zlib.crc32(program)
    return program + struct.pack("<8sIIQQ", MAGIC, CONTAINER_VERSION, checksum, len(program), 0)


def creation_time() -> str:
    """Return the current time in UTC, ISO 8601 to the second, or `SOURCE_DATE_EPOCH` if set."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    moment = (
        datetime.fromtimestamp(int(epoch), timezone.utc) if epoch else datetime.now(timezone.utc)
    )
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def check_output(path: Path, *, force: bool) -> None:
    """Check, before any work is done, that an output path can and may be written.

    Raises:
        InputError: the file exists and `force` is not set, it is a folder, or its folder is
            missing or read-only.
    """
    if path.is_dir():
        raise InputError(f"[output] expected a file name, got a folder: {path}; add a file name")
    if path.exists() and not force:
        raise InputError(
            f"[output] expected a new file, got an existing one: {path};"
            " choose another name or pass --force (force=True)"
        )
    check_folder(path.parent)


def check_folder(folder: Path) -> None:
    """Raise InputError if a folder is missing or read-only."""
    if not folder.is_dir():
        raise InputError(f"[output] expected an existing folder, got {folder}; create it first")
    if not os.access(folder, os.W_OK):
        raise InputError(
            f"[output] expected a folder that can be written, got {folder};"
            " choose another one or change its permissions"
        )


def write_atomically(
    path: Path, data: bytes, *, force: bool, check: Callable[[Path], None] | None = None
) -> None:
    """Write `data` to `path`, so that either the complete file appears or none does.

    Args:
        path: the file.
        data: its content.
        force: replace an existing file.
        check: called with the written file before it is renamed to `path`. If it raises, no file
            appears.

    Raises:
        InputError: see `check_output`, or the disk is full or fails.
    """
    check_output(path, force=force)
    temporary = None
    try:
        with tempfile.NamedTemporaryFile(
            dir=path.parent, prefix=f".{path.name}.", suffix=".tmp", delete=False
        ) as file:
            temporary = Path(file.name)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if check is not None:
            check(temporary)
        temporary.chmod(0o666 & ~_umask())
        os.replace(temporary, path)
    except OSError as error:
        raise InputError(
            f"[output] expected to write {len(data)} bytes to {path}, got: {error.strerror};"
            " free disk space or choose another folder"
        ) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current
