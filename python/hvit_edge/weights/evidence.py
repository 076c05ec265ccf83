"""Read preprocessing and class names of weights from the files next to them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from hvit_edge.errors import InputError
from hvit_edge.labels import read_labels
from hvit_edge.preprocess import Preprocess
from hvit_edge.weights import timm, transformers
from hvit_edge.weights.fields import Fields, is_whole
from hvit_edge.weights.json_file import read_json_object

Find = Callable[[str], Path | None]
SIDECAR = "hvit-edge weights 1"  # the "format" of a json that describes a weights file
CONFIG = "config.json"
PROCESSORS = ("preprocessor_config.json", "processor_config.json")


@dataclass(frozen=True)
class Evidence:
    """Holds what the files next to weights say about them.

    Attributes:
        preprocess: the preprocessing that the weights expect; None if no file says so.
        labels: class names; empty if no file says so.
        num_classes: number of classes; None if no file says so.
        preprocess_source, labels_source: names of the files that say so.
        notes: sentences on files that are not used.
        input_size: height and width in pixels, if a file states only these of the preprocessing.
        classes_source: name of the file that states `num_classes`.
    """

    preprocess: Preprocess | None = None
    labels: tuple[str, ...] = ()
    num_classes: int | None = None
    preprocess_source: str = ""
    labels_source: str = ""
    notes: tuple[str, ...] = ()
    input_size: tuple[int, int] | None = None
    classes_source: str = ""


@dataclass(frozen=True)
class Given:
    """Holds what the caller gives in place of the files; None for what it does not give."""

    preprocess: Preprocess | None = None
    labels: tuple[str, ...] | None = None


def read_evidence(name: str, weights: str, find: Find, given: Given) -> Evidence:
    """Read the files next to a weights file.

    Args:
        name: registered name of the model.
        weights: name of the weights file.
        find: returns the path of a file next to it by name, or None if there is none.
        given: what the caller gives; the files are not read for it.

    Raises:
        InputError: a file is damaged, belongs to another network, or has values that are not
            supported; or two files contradict each other.
    """
    sidecar = _sidecar_evidence(name, weights, find, given)
    config = _config_evidence(name, find, given)
    if sidecar is None or config is None:
        return sidecar or config or Evidence()
    return _agreeing(config, sidecar)


def _agreeing(config: Evidence, sidecar: Evidence) -> Evidence:
    """Merge two descriptions of the same weights; raise InputError if they differ."""
    if config.preprocess is None and not config.labels:
        return replace(sidecar, notes=config.notes + sidecar.notes)
    faults = []
    if config.preprocess and sidecar.preprocess and config.preprocess != sidecar.preprocess:
        faults.append(f"preprocessing {config.preprocess} and {sidecar.preprocess}")
    if config.labels and sidecar.labels and config.labels != sidecar.labels:
        faults.append("different labels")
    if faults:
        raise InputError(
            f"[weights] expected {config.preprocess_source or config.labels_source} and"
            f" {sidecar.preprocess_source or sidecar.labels_source} to say the same about the"
            f" weights, got {' and '.join(faults)}; remove one of the two files"
        )
    both = {key: getattr(config, key) or getattr(sidecar, key) for key in vars(config)}
    return Evidence(**both)


def read_sidecar(path: Path) -> dict[str, Any] | None:
    """Read the JSON file that describes a weights file, if it has our format.

    Returns:
        The object with `architecture`, `labels`, `preprocess` (a Preprocess), `accuracy` and
        `recipe`; None if there is no such file, or if it has another format.

    Raises:
        InputError: the file is not JSON, or a field is missing, unknown or of a wrong type.
    """
    if not path.is_file():
        return None
    try:
        described = read_json_object(path)
    except InputError as error:
        if "expected a JSON object" in str(error):
            return None
        raise InputError(f"[weights] expected JSON next to the weights: {error}") from None
    if described.get("format") != SIDECAR:
        return None
    missing = [key for key in ("architecture", "labels", "preprocess") if key not in described]
    if missing:
        raise InputError(f"[weights] expected {', '.join(missing)} in {path}, got none")
    labels, preprocess = together(
        lambda: read_labels(described["labels"], f"labels of {path.name}"),
        lambda: read_fields(described["preprocess"], str(path)),
    )
    return described | {"labels": labels, "preprocess": preprocess}


def read_preprocess_file(path: str | Path) -> Preprocess:
    """Read a Preprocess from a JSON file.

    Args:
        path: a file with the fields of Preprocess, our JSON of a weights file, a config.json of
            timm, or a preprocessor_config.json of transformers.

    Raises:
        InputError: the file is none of these, or has values that are not supported.
    """
    path = Path(path)
    content = read_json_object(path, "preprocess")
    try:
        return _preprocess_in(content, str(path))
    except InputError as error:
        raise InputError(f"{error}; correct {path}") from error


def _preprocess_in(content: Mapping[str, Any], where: str) -> Preprocess:
    if content.get("format") == SIDECAR:
        return read_fields(content.get("preprocess"), where)
    if timm.is_config(content):
        return timm.read_preprocess(content)
    processor = content.get("image_processor", content)
    if isinstance(processor, dict) and _is_processor(processor):
        return transformers.read_preprocess(processor)
    return read_fields(content, where)


def _is_processor(content: Mapping[str, Any]) -> bool:
    return any(key in content for key in ("image_processor_type", "feature_extractor_type"))


def read_fields(content: Any, where: str) -> Preprocess:
    """Read the fields of Preprocess from a JSON object.

    Raises:
        InputError: `content` is not an object, a field is unknown or has a wrong type, or
            `input_size` is missing.
    """
    if not isinstance(content, Mapping):
        raise InputError(f"[weights] expected the fields of Preprocess in {where}, got {content!r}")
    known = Preprocess.__dataclass_fields__
    unknown = [key for key in content if key not in known]
    if unknown or "input_size" not in content:
        got = ", ".join(unknown) or "no input_size"
        raise InputError(
            f"[weights] expected the fields of Preprocess in {where}, got {got}; its fields are"
            f" {', '.join(known)}"
        )
    fields = Fields(content, f"preprocess of {Path(where).name}")
    size = content["input_size"]
    if not isinstance(size, (list, tuple)) or len(size) != 2 or not all(map(is_whole, size)):
        fields.refuse("input_size", "[height, width] in pixels", size)
    values: dict[str, Any] = {"input_size": size}
    defaults: dict[str, Any] = {n: f.default for n, f in known.items() if n != "input_size"}
    for name, default in defaults.items():
        if name in ("mean", "std"):
            values[name] = fields.numbers(name, 3, default)
        elif name == "resize_size":
            values[name] = fields.whole(name, default, least=0)
        else:
            values[name] = fields.text(name, default)
    fields.finish()
    return Preprocess(**values | {"input_size": tuple(size)})


def together(*calls: Callable[[], Any]) -> list[Any]:
    """Return the results of all calls; if some raise InputError, raise one with all messages."""
    results, faults = [], []
    for call in calls:
        try:
            results.append(call())
        except InputError as error:
            faults.append(str(error))
    if faults:
        raise InputError("; ".join(faults))
    return results


def _sidecar_evidence(name: str, weights: str, find: Find, given: Given) -> Evidence | None:
    stems = dict.fromkeys((Path(weights).stem, weights.split(".")[0] or weights))
    for stem in stems:
        path = find(f"{stem}.json")
        described = read_sidecar(path) if path else None
        if path is None or described is None:
            continue
        if described["architecture"] != name:
            raise InputError(
                f"[weights] expected weights of {name}, got {path.parent / weights}, which is for"
                f" {described['architecture']} according to {path.name}"
            )
        labels = described["labels"]
        return Evidence(
            preprocess=described["preprocess"],
            labels=labels,
            num_classes=len(labels) or None,
            preprocess_source=path.name,
            labels_source=path.name if labels else "",
            classes_source=path.name,
        )
    return None


def _config_evidence(name: str, find: Find, given: Given) -> Evidence | None:
    path = find(CONFIG)
    config = read_json_object(path) if path else {}
    if config.get("format") == SIDECAR:
        return None  # it describes a file named config.safetensors
    if timm.is_config(config):
        return _timm_evidence(name, config, given)
    processors = _processors(find)
    if not config and not processors:
        return None
    if transformers.is_config(config) or not config:
        return _transformers_evidence(name, config, processors, given)
    note = f"[weights] {CONFIG} is not used, because it is not from timm or transformers"
    return replace(_transformers_evidence(name, {}, processors, given), notes=(note,))


def _timm_evidence(name: str, config: Mapping[str, Any], given: Given) -> Evidence:
    _, preprocess, labels, classes = together(
        lambda: timm.check_config(config, name),
        lambda: _prepared(CONFIG, given, lambda: timm.read_preprocess(config)),
        lambda: timm.read_labels(config) if given.labels is None else (),
        lambda: timm.read_num_classes(config),
    )
    return _counted(preprocess, labels, classes, CONFIG if preprocess else "", CONFIG)


def _transformers_evidence(
    name: str,
    config: Mapping[str, Any],
    processors: dict[str, Mapping[str, Any]],
    given: Given,
) -> Evidence:
    kind = config.get("model_type") if config else transformers.model_type(name)
    _, size, preprocess, labels, classes = together(
        lambda: transformers.check_config(config, name) if config else None,
        lambda: transformers.read_input_size(config),
        lambda: _processed(processors, kind if isinstance(kind, str) else None, given),
        lambda: transformers.read_labels(config) if given.labels is None else (),
        lambda: transformers.read_num_classes(config),
    )
    file = next(iter(processors)) if preprocess else ""
    counted = _counted(preprocess, labels, classes, file, CONFIG)
    return replace(counted, input_size=None if preprocess else size)


def _processed(
    processors: Mapping[str, Mapping[str, Any]], kind: str | None, given: Given
) -> Preprocess | None:
    """Return the preprocessing in the processor files; None if there are none.

    Raises:
        InputError: two files differ.
    """
    said = {
        file: _prepared(file, given, partial(transformers.read_preprocess, content, kind))
        for file, content in processors.items()
    }
    if len(set(said.values())) > 1:
        raise InputError(
            f"[weights] expected {' and '.join(said)} to say the same about photos, got"
            f" {' and '.join(map(str, said.values()))}; remove one of the two files, or"
            " give another preprocessing with --preprocess FILE (preprocess=)"
        )
    return next(iter(said.values()), None)


def _prepared(file: str, given: Given, read: Callable[[], Preprocess]) -> Preprocess | None:
    """Return the preprocessing that `read` finds; None if the caller gives one."""
    if given.preprocess is not None:
        return None
    try:
        return read()
    except InputError as error:
        raise InputError(
            f"{error}; correct {file}, or give another preprocessing with --preprocess FILE"
            " (preprocess=)"
        ) from error


def _processors(find: Find) -> dict[str, Mapping[str, Any]]:
    """Return the contents of transformers' processor files, by file name."""
    found: dict[str, Mapping[str, Any]] = {}
    for file in PROCESSORS:
        path = find(file)
        if path is None:
            continue
        content: Any = read_json_object(path)
        if file == PROCESSORS[1]:
            content = content.get("image_processor")
        if isinstance(content, dict):
            found[file] = content
    return found


def _counted(
    preprocess: Preprocess | None,
    labels: tuple[str, ...],
    classes: int | None,
    preprocess_source: str,
    labels_source: str,
) -> Evidence:
    if labels and classes and len(labels) != classes:
        raise InputError(
            f"[weights] expected {classes} labels for {classes} classes, got {len(labels)} from"
            f" {labels_source}; correct the labels there, or give others with --labels FILE"
            " (labels=)"
        )
    return Evidence(
        preprocess=preprocess,
        labels=labels,
        num_classes=classes or len(labels) or None,
        preprocess_source=preprocess_source,
        labels_source=labels_source if labels else "",
        classes_source=labels_source,
    )
