"""What an artifact says about itself, as plain Python values. Imports no torch."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from hvit_edge.preprocess import Preprocess

SCHEMA_VERSION = 1
TENSOR_SCHEMA_VERSION = 2
"""Of artifacts of the task "tensor", which readers of before this version cannot read."""
CLASSIFY, TENSOR = "classify", "tensor"
"""The tasks: photo to classes, and arrays to arrays."""
# Optional fields of text: attribute of Metadata -> name in an artifact.
SOURCES = {
    "preprocess_source": "hve_preprocess_source",
    "labels_source": "hve_labels_source",
    "weights_key": "hve_weights_key",
    "rewrites_left_out": "hve_rewrites_left_out",
    "fallback": "hve_fallback",
    "model_source": "hve_model_source",
    "model_args": "hve_model_args",
    "sample_source": "hve_sample_source",
}


@dataclass(frozen=True)
class Difference:
    """The distance of an output from the expected one.

    Attributes:
        max_abs: largest absolute difference.
        max_rel: `max_abs` divided by the largest absolute expected value.
        cosine: cosine of the angle between the two.
        top1_agree: the largest value is at the same place in every row.
    """

    max_abs: float
    max_rel: float
    cosine: float
    top1_agree: bool

    def to_dict(self) -> dict[str, float | bool]:
        """The fields as plain values."""
        return asdict(self)


@dataclass(frozen=True)
class LayerRecord:
    """A convolution or linear of a quantised network, measured when it was compiled.

    Attributes:
        layer: the module's dotted path and the operator's own name, `stages.0.conv:conv2d`.
        precision: of its weights, such as "int8", "fp16" or "fp32".
        sqnr_db: signal to quantisation noise of its output against the float network's, in
            decibel, the noise of the layers before it included; infinite where there is none.
    """

    layer: str
    precision: str
    sqnr_db: float


@dataclass(frozen=True)
class OperatorRecord:
    """An operator of the graph that the delegate was given.

    Attributes:
        kind: as the delegate's format names it, such as "Conv2d" or "StaticReshape".
        module: dotted path of the module that it came from; empty for the root, and where a
            rewrite left none.
    """

    kind: str
    module: str


@dataclass(frozen=True)
class Metadata:
    """The metadata fields of an artifact; docs/artifact.md defines each of them.

    Attributes:
        schema_version: 1, or 2 of artifacts of the task "tensor".
        model_name: registered name, or the user's own.
        target: "xnnpack" or "native", or "coreml" for a package.
        precision: one of the target's, see `compile`.
        created: UTC time, ISO 8601.
        weights_source: "random", "bundled NAME", a file's name, "hf:owner/repo" or "state dict".
        weights_sha256: 64 hex digits.
        versions: of hvit-edge, torch and executorch or coremltools, which wrote the artifact.
        labels: class names in class order; empty where there are none.
        preprocess: from a photo to the network's input; None in the task "tensor".
        parity: of the program against eager PyTorch in float32 on the golden image, measured
            when the artifact was compiled.
        golden_tolerance: the self test passes up to this difference, relative to the largest
            absolute golden output.
        layers: the layers' records, the worst first; empty for fp32 and for artifacts that were
            written before there was such a record.
        cpu: what the program is shaped for, see `compile`; "any" for packages and for artifacts
            that do not say.
        operators: of the delegate, in order; empty where there is no record.
        preprocess_source: what says how a photo is prepared: "argument", the name of a file, a
            key format, "default of MODEL", or "assumed: default of MODEL" where nothing said so;
            empty for artifacts that were written before there was such a record.
        labels_source: the same for the labels; empty without labels.
        weights_key: which set of weights was compiled, where the checkpoint has several.
        rewrites_left_out: the rewrites that failed when it was compiled, a line for each: name,
            tab, reason.
        fallback: why it was lowered without any rewrites; empty if it was not.
        model_source: the address that the module was made from, without folders, see `sources`;
            empty for a registered name and for a module handed over in Python.
        model_args: its arguments as JSON; empty without any.
        task: "classify", or "tensor" of artifacts that take and give arrays.
        input_names, output_names: of the task "tensor", one for each of forward's tensors.
        sample_source: of the task "tensor", where the golden sample came from: "argument", a file's
            name, or "drawn: ..." with what was declared.
    """

    schema_version: int
    model_name: str
    target: str
    precision: str
    created: str
    weights_source: str
    weights_sha256: str
    versions: dict[str, str]
    labels: tuple[str, ...]
    preprocess: Preprocess | None
    parity: Difference
    golden_tolerance: float
    layers: tuple[LayerRecord, ...] = ()
    cpu: str = "any"
    operators: tuple[OperatorRecord, ...] = ()
    preprocess_source: str = ""
    labels_source: str = ""
    weights_key: str = ""
    rewrites_left_out: str = ""
    fallback: str = ""
    model_source: str = ""
    model_args: str = ""
    task: str = CLASSIFY
    input_names: tuple[str, ...] = ()
    output_names: tuple[str, ...] = ()
    sample_source: str = ""
