"""Write and read a package's golden sample: pixels as a PNG file, arrays as NPY files, in base64.

The logits of a classifier are little-endian float32 without a header.
"""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image

from hvit_edge.artifact.container import (
    AnyGolden,
    Arrays,
    Golden,
    GoldenPhoto,
    GoldenTensors,
    GraphAnswer,
)
from hvit_edge.artifact.metadata import Metadata
from hvit_edge.tasks.names import CLASSIFY, TENSOR

IMAGE, OUTPUT, INPUTS = "hve_golden_image", "hve_golden_output", "hve_golden_input"
GRAPH, GRAPH_SQNR = "hve_graph_output", "hve_graph_sqnr"


def golden_strings(golden: AnyGolden) -> dict[str, str]:
    """Return the golden sample of any task as strings by name."""
    if isinstance(golden, Golden):
        return _classified(golden)
    if isinstance(golden, GoldenTensors):
        return _row(INPUTS, golden.inputs) | _answers(golden)
    return {IMAGE: _png(golden.image)} | _answers(golden)


def read_golden(strings: Mapping[str, str], metadata: Metadata) -> AnyGolden:
    """Return the golden sample that `golden_strings` wrote for the task of `metadata`.

    Raises:
        KeyError, ValueError, OSError: a string is missing or damaged.
    """
    if metadata.task == CLASSIFY:
        graph = None
        if GRAPH in strings:
            least = float(json.loads(strings[GRAPH_SQNR]))
            graph = GraphAnswer(_logits(strings[GRAPH]), least)
        return Golden(_pixels(strings[IMAGE]), _logits(strings[OUTPUT]), graph)
    outputs = _read_row(strings, OUTPUT, len(metadata.output_names))
    graph_outputs, least_db = None, ()
    if GRAPH_SQNR in strings:
        graph_outputs = _read_row(strings, GRAPH, len(outputs))
        least_db = tuple(map(float, json.loads(strings[GRAPH_SQNR])))
    if metadata.task == TENSOR:
        inputs = _read_row(strings, INPUTS, len(metadata.input_names))
        return GoldenTensors(inputs, outputs, graph_outputs, least_db)
    return GoldenPhoto(_pixels(strings[IMAGE]), outputs, graph_outputs, least_db)


def array_string(array: np.ndarray) -> str:
    """Return an array as text."""
    file = io.BytesIO()
    np.save(file, array, allow_pickle=False)
    return _text(file.getvalue())


def read_array(text: str) -> np.ndarray:
    """Return the array that `array_string` wrote."""
    return np.load(io.BytesIO(base64.b64decode(text, validate=True)), allow_pickle=False)


def _classified(golden: Golden) -> dict[str, str]:
    strings = {IMAGE: _png(golden.image), OUTPUT: _text(_floats(golden.output))}
    if golden.graph is not None:
        strings[GRAPH] = _text(_floats(golden.graph.output))
        strings[GRAPH_SQNR] = json.dumps(golden.graph.least_sqnr_db)
    return strings


def _answers(golden: GoldenTensors | GoldenPhoto) -> dict[str, str]:
    strings = _row(OUTPUT, golden.outputs)
    if golden.graph is not None:
        strings |= _row(GRAPH, golden.graph)
        strings[GRAPH_SQNR] = json.dumps(list(golden.least_sqnr_db))
    return strings


def _row(name: str, arrays: Sequence[np.ndarray]) -> dict[str, str]:
    return {f"{name}_{index}": array_string(array) for index, array in enumerate(arrays)}


def _read_row(strings: Mapping[str, str], name: str, count: int) -> Arrays:
    return tuple(read_array(strings[f"{name}_{index}"]) for index in range(count))


def _png(image: np.ndarray) -> str:
    png = io.BytesIO()
    _fewest_bits(Image.fromarray(image)).save(png, "PNG", optimize=True)
    return _text(png.getvalue())


def _pixels(text: str) -> np.ndarray:
    png = io.BytesIO(base64.b64decode(text, validate=True))
    return np.asarray(Image.open(png).convert("RGB"))


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
