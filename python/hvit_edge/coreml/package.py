"""Open a Core ML package folder and check it before anything reads its weights.

A folder NAME.mlpackage holds

    Manifest.json                             which item is the model
    Data/com.apple.CoreML/model.mlmodel       the specification, a protobuf
    Data/com.apple.CoreML/weights/weight.bin  the blobs that the specification refers to

The model is an ML program, or a pipeline of an ML program and a NonMaximumSuppression: a detector.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hvit_edge.artifact.kinds import missing_package
from hvit_edge.coreml.blobs import check_blobs
from hvit_edge.coreml.features import Feature, read_features
from hvit_edge.coreml.specification import model_class
from hvit_edge.coreml.suppression import Suppression, read_suppression
from hvit_edge.errors import ArtifactError

REMEDY = "copy the whole folder again, or convert the model again"


@dataclass(frozen=True)
class Package:
    """Holds a package's contents.

    Attributes:
        path: the package's folder.
        spec: Core ML's `Model` protobuf of the ML program, whose type is mlProgram.
        weights: the folder of the blobs; it need not exist if there is no reference to a blob.
        metadata: the user-defined metadata of the model's author.
        inputs: the features that the ML program reads.
        outputs: the features that the ML program returns.
        labels: a classifier's class labels in the order of its probabilities, else None.
        suppression: what a detector's pipeline does with these outputs, else None.
    """

    path: Path
    spec: Any
    weights: Path
    metadata: dict[str, str]
    inputs: tuple[Feature, ...]
    outputs: tuple[Feature, ...]
    labels: tuple[str | int, ...] | None
    suppression: Suppression | None = None


def read_package(path: str | Path) -> Package:
    """Open the `.mlpackage` folder at `path`.

    Raises:
        ArtifactError: the package is missing, damaged, truncated or not an ML program.
        InputError: coremltools is not installed.
    """
    folder = Path(path)
    model = _model_file(folder)
    whole = _parse(model)
    weights = model.parent / "weights"
    try:
        spec, suppression = _parts(whole, model)
        main_function(spec)
        check_blobs(spec, weights)
        return Package(
            path=folder,
            spec=spec,
            weights=weights,
            metadata=dict(whole.description.metadata.userDefined),
            inputs=read_features(spec.description.input),
            outputs=read_features(spec.description.output),
            labels=_labels(spec),
            suppression=suppression,
        )
    except (ValueError, LookupError) as error:  # a number or name that Core ML does not have
        raise ArtifactError(
            f"[read_package] expected a Core ML specification in {model}, got an invalid"
            f" one ({error!r}); {REMEDY}"
        ) from error


def main_function(spec: Any) -> Any:
    """Return the function protobuf that Core ML runs by default.

    Raises:
        ArtifactError: the program does not have it, or it has no body for its opset.
    """
    name = function_name(spec)
    functions = spec.mlProgram.functions
    if name not in functions:
        raise ArtifactError(
            f"[read_package] expected a function {name}, got {sorted(functions)}; {REMEDY}"
        )
    if functions[name].opset not in functions[name].block_specializations:
        raise ArtifactError(
            f"[read_package] function {name}: expected a body for opset {functions[name].opset!r},"
            f" got {sorted(functions[name].block_specializations)}; {REMEDY}"
        )
    return functions[name]


def function_name(spec: Any) -> str:
    """Return the name of the default function."""
    return spec.description.defaultFunctionName or "main"


def _model_file(folder: Path) -> Path:
    if not folder.exists():
        raise missing_package(folder)
    if not folder.is_dir():
        raise ArtifactError(
            f"[read_package] expected {folder} to be a folder, got a file; give the .mlpackage"
            " folder (.mlmodel files hold no ML programs)"
        )
    item = _model_item(folder / "Manifest.json")
    data = (folder / "Data").resolve()
    model = (data / item).resolve()
    if not model.is_relative_to(data):
        raise ArtifactError(
            f"[read_package] expected a model inside {folder}, got {item}; {REMEDY}"
        )
    if not model.is_file():
        raise ArtifactError(
            f"[read_package] expected the model file Data/{item} in {folder}, got nothing; {REMEDY}"
        )
    return model


def _model_item(manifest: Path) -> str:
    if not manifest.is_file():
        raise ArtifactError(f"[read_package] expected {manifest}, got nothing; {REMEDY}")
    try:
        contents = json.loads(manifest.read_bytes())
        item = contents["itemInfoEntries"][contents["rootModelIdentifier"]]["path"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ArtifactError(
            f"[read_package] expected {manifest} to name the model, got {error!r}; {REMEDY}"
        ) from error
    if not isinstance(item, str) or "\0" in item:
        raise ArtifactError(f"[read_package] expected a path in {manifest}, got {item!r}; {REMEDY}")
    return item


def _parse(model: Path) -> Any:
    spec = model_class()()
    from google.protobuf.message import DecodeError  # which coremltools needs, and nothing else

    try:
        spec.ParseFromString(model.read_bytes())
    except DecodeError as error:
        raise ArtifactError(
            f"[read_package] expected a Core ML specification in {model}, got damaged bytes"
            f" ({error}); {REMEDY}"
        ) from error
    return spec


def _parts(spec: Any, model: Path) -> tuple[Any, Suppression | None]:
    """Return the ML program of a specification, and the suppression that a detector has after it.

    Raises:
        ArtifactError: the specification is of another type, or has other parts.
    """
    kinds = [part.WhichOneof("Type") for part in spec.pipeline.models]
    if kinds == ["mlProgram", "nonMaximumSuppression"]:
        program, last = spec.pipeline.models
        return program, _fitting(read_suppression(last), program, model)
    if spec.WhichOneof("Type") == "mlProgram":
        return spec, None
    of = f" of {', '.join(map(str, kinds)) or 'nothing'}" if spec.HasField("pipeline") else ""
    raise ArtifactError(
        f"[read_package] expected an ML program in {model}, alone or in a pipeline before a"
        f" NonMaximumSuppression, got {spec.WhichOneof('Type')}{of}; convert with"
        ' convert_to="mlprogram"'
    )


def _fitting(suppression: Suppression, program: Any, model: Path) -> Suppression:
    """Return the suppression if the program gives the arrays that it reads."""
    given = [feature.name for feature in program.description.output]
    read = (suppression.confidence, suppression.coordinates)
    if not set(read) <= set(given):
        raise ArtifactError(
            f"[read_package] expected the outputs {' and '.join(read)} of the ML program in"
            f" {model}, got {', '.join(given)}; {REMEDY}"
        )
    return suppression


def _labels(spec: Any) -> tuple[str | int, ...] | None:
    function = main_function(spec)
    for operation in function.block_specializations[function.opset].operations:
        if operation.type == "classify":
            binding = operation.inputs["classes"].arguments[0]
            values = binding.value.immediateValue.list.values
            return tuple(_label(value.immediateValue.tensor) for value in values)
    return None


def _label(tensor: Any) -> str | int:
    return tensor.strings.values[0] if tensor.HasField("strings") else tensor.longInts.values[0]
