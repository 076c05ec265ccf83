"""Write and read hvit-edge's metadata in a package: the fields of docs/artifact.md as strings.

The names are those of the constant methods of a `.pte`. As in a `.pte`, lists of numbers are JSON,
and lists of strings have one item a line. The golden sample has the program's inputs and outputs:
pixels as a PNG file and logits as little-endian float32, or arrays as NPY files, all in base64.
"""

from __future__ import annotations

import base64
import binascii
import io
import json
from collections.abc import Mapping

import numpy as np
from PIL import Image

from hvit_edge.artifact.container import Golden, GoldenTensors, GraphAnswer, fields
from hvit_edge.artifact.metadata import (
    CLASSIFY,
    SCHEMA_VERSION,
    SOURCES,
    TENSOR,
    TENSOR_SCHEMA_VERSION,
    Difference,
    Metadata,
)
from hvit_edge.errors import ArtifactError, HvitEdgeError
from hvit_edge.preprocess import Preprocess

IMAGE, OUTPUT = "hve_golden_image", "hve_golden_output"
GOLDEN_TENSOR = "hve_golden_"
GRAPH, GRAPH_SQNR = "hve_graph_output", "hve_graph_sqnr"


def write_metadata(metadata: Metadata, golden: Golden | GoldenTensors) -> dict[str, str]:
    """Return the user-defined metadata of a package.

    Args:
        metadata: all of its fields except `layers` are written.
        golden: the golden sample; `image` is uint8 [H, W, 3] at the size of the program's input.
    """
    plain = {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in fields(metadata).items()
    }
    if isinstance(golden, GoldenTensors):
        return {**plain, **_tensor_strings(golden)}
    png = io.BytesIO()
    _fewest_bits(Image.fromarray(golden.image)).save(png, "PNG", optimize=True)
    strings = {**plain, IMAGE: _text(png.getvalue()), OUTPUT: _text(_floats(golden.output))}
    if golden.graph is not None:
        strings[GRAPH] = _text(_floats(golden.graph.output))
        strings[GRAPH_SQNR] = json.dumps(golden.graph.least_sqnr_db)
    return strings


def read_metadata(strings: Mapping[str, str]) -> tuple[Metadata, Golden | GoldenTensors]:
    """Return the metadata that `write_metadata` wrote, and the golden sample of its task.

    Raises:
        ArtifactError: the package is not from hvit-edge, is too new, or has a damaged field.
    """
    if "hve_schema_version" not in strings:
        raise ArtifactError(
            "[package] expected a package that hvit-edge compiled, got one without its metadata;"
            " compile the model with --target coreml (target='coreml')"
        )
    try:
        version = json.loads(strings["hve_schema_version"])
        task = strings.get("hve_task", CLASSIFY)
        known = {CLASSIFY: SCHEMA_VERSION, TENSOR: TENSOR_SCHEMA_VERSION}
        if known.get(task) != version:
            of_task = f" of the task {task}" if task != CLASSIFY else ""
            raise ArtifactError(
                f"[package] expected schema version {known.get(task, SCHEMA_VERSION)}, got"
                f" {version}{of_task};"
                " install the hvit-edge that wrote it, or compile the model again"
            )
        if task == TENSOR:
            metadata = _metadata(strings)
            return metadata, _golden_tensors(strings, metadata)
        return _metadata(strings), _golden(strings)
    except (KeyError, ValueError, TypeError, OSError, binascii.Error, HvitEdgeError) as error:
        if isinstance(error, ArtifactError):
            raise
        raise ArtifactError(
            f"[package] expected complete metadata, got a damaged field ({error});"
            " compile the model again"
        ) from error


def _metadata(strings: Mapping[str, str]) -> Metadata:
    max_abs, max_rel, cosine, top1 = json.loads(strings["hve_parity"])
    is_classifier = strings.get("hve_task", CLASSIFY) == CLASSIFY
    labels, versions = strings["hve_labels"] if is_classifier else "", strings["hve_versions"]
    return Metadata(
        schema_version=json.loads(strings["hve_schema_version"]),
        model_name=strings["hve_model_name"],
        target=strings["hve_target"],
        precision=strings["hve_precision"],
        created=strings["hve_created"],
        weights_source=strings["hve_weights_source"],
        weights_sha256=strings["hve_weights_sha256"],
        versions=dict(line.split("=", 1) for line in versions.splitlines()),
        labels=tuple(labels.split("\n")) if labels else (),
        preprocess=_preprocess(strings) if is_classifier else None,
        parity=Difference(max_abs, max_rel, cosine, bool(top1)),
        golden_tolerance=json.loads(strings["hve_golden_tolerance"]),
        task=strings.get("hve_task", CLASSIFY),
        input_names=tuple(strings.get("hve_input_names", "").splitlines()),
        output_names=tuple(strings.get("hve_output_names", "").splitlines()),
        **{key: strings.get(name, "") for key, name in SOURCES.items()},
    )


def _preprocess(strings: Mapping[str, str]) -> Preprocess:
    return Preprocess(
        tuple(json.loads(strings["hve_input_size"])),
        resize=strings["hve_resize"],
        resize_size=json.loads(strings["hve_resize_size"]),
        interpolation=strings["hve_interpolation"],
        mean=tuple(json.loads(strings["hve_mean"])),
        std=tuple(json.loads(strings["hve_std"])),
        channel_order=strings["hve_channel_order"],
    )


def _tensor_strings(golden: GoldenTensors) -> dict[str, str]:
    rows = {f"{GOLDEN_TENSOR}input": golden.inputs, f"{GOLDEN_TENSOR}output": golden.outputs}
    strings = {}
    if golden.graph is not None:
        rows[GRAPH] = golden.graph
        strings[GRAPH_SQNR] = json.dumps(list(golden.least_sqnr_db))
    arrays = {f"{name}_{at}": array for name, row in rows.items() for at, array in enumerate(row)}
    return strings | {name: _text(_npy(array)) for name, array in arrays.items()}


def _golden_tensors(strings: Mapping[str, str], metadata: Metadata) -> GoldenTensors:
    def row(name: str, count: int) -> tuple[np.ndarray, ...]:
        texts = (strings[f"{name}_{index}"] for index in range(count))
        files = (io.BytesIO(base64.b64decode(text, validate=True)) for text in texts)
        return tuple(np.load(file, allow_pickle=False) for file in files)

    inputs = row(f"{GOLDEN_TENSOR}input", len(metadata.input_names))
    outputs = row(f"{GOLDEN_TENSOR}output", len(metadata.output_names))
    if GRAPH_SQNR not in strings:
        return GoldenTensors(inputs, outputs)
    least = tuple(map(float, json.loads(strings[GRAPH_SQNR])))
    return GoldenTensors(inputs, outputs, row(GRAPH, len(outputs)), least)


def _npy(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array, allow_pickle=False)
    return file.getvalue()


def _golden(strings: Mapping[str, str]) -> Golden:
    png = io.BytesIO(base64.b64decode(strings[IMAGE], validate=True))
    graph = None
    if GRAPH in strings:
        graph = GraphAnswer(_logits(strings[GRAPH]), float(json.loads(strings[GRAPH_SQNR])))
    return Golden(np.asarray(Image.open(png).convert("RGB")), _logits(strings[OUTPUT]), graph)


def _floats(logits: np.ndarray) -> bytes:
    return np.ascontiguousarray(logits, "<f4").tobytes()


def _logits(text: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text, validate=True), "<f4").reshape(1, -1).copy()


def _fewest_bits(image: Image.Image) -> Image.Image:
    """Convert an image with at most 256 colors to a palette: equal pixels in a third
    of the size.
    """
    if image.getcolors(256) is None:
        return image
    return image.convert("P", palette=Image.Palette.ADAPTIVE, colors=256)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
