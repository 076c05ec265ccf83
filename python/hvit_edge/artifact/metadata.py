"""Define the metadata of an artifact as plain Python values. Imports no torch."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from hvit_edge.preprocess import Preprocess
from hvit_edge.tasks import Classify, Detect, Embed, Segment, Task
from hvit_edge.tasks.names import CLASSIFY, TENSOR

__all__ = [
    "CLASSIFY",
    "SCHEMA_VERSION",
    "SOURCES",
    "TENSOR",
    "TENSOR_SCHEMA_VERSION",
    "Difference",
    "LayerRecord",
    "Metadata",
    "Method",
    "OperatorRecord",
]

SCHEMA_VERSION = 1
TENSOR_SCHEMA_VERSION = 2
"""Version of artifacts of every task but "classify", which older readers cannot read."""
# Optional text fields: attribute of Metadata -> name in an artifact.
SOURCES = {
    "preprocess_source": "hve_preprocess_source",
    "labels_source": "hve_labels_source",
    "weights_key": "hve_weights_key",
    "rewrites_left_out": "hve_rewrites_left_out",
    "fallback": "hve_fallback",
    "model_source": "hve_model_source",
    "model_args": "hve_model_args",
    "sample_source": "hve_sample_source",
    "ops_outside": "hve_ops_outside",
}


@dataclass(frozen=True)
class Difference:
    """Measures the difference of an output from the expected one.

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
        """Return the fields as plain values."""
        return asdict(self)


@dataclass(frozen=True)
class LayerRecord:
    """Describes a convolution or linear of a quantized network, measured during compilation.

    Attributes:
        layer: dotted path of the module and name of the operator, such as `stages.0.conv:conv2d`.
        precision: precision of its weights, such as "int8", "fp16" or "fp32".
        sqnr_db: signal-to-quantization-noise ratio of its output against the float network, in dB.
            It includes the noise of the layers before it, and is infinite without noise.
    """

    layer: str
    precision: str
    sqnr_db: float


@dataclass(frozen=True)
class OperatorRecord:
    """Describes an operator of the graph that was given to the delegate.

    Attributes:
        kind: name in the format of the delegate, such as "Conv2d" or "StaticReshape".
        module: dotted path of the module that it came from; empty for the root, or if a rewrite
            dropped the path.
    """

    kind: str
    module: str


@dataclass(frozen=True)
class Method:
    """Describes a method of an artifact: the model for one input size and batch.

    Attributes:
        name: name of the method, such as "320x240" or "320x240-batch4", see `methods.name_of`.
        batch: number of photos of an input.
        size: (height, width) of a photo in pixels.
    """

    name: str
    batch: int
    size: tuple[int, int]


@dataclass(frozen=True)
class Metadata:
    """Holds the metadata of an artifact; docs/artifact.md defines each field.

    Attributes:
        schema_version: 1, or 2 for artifacts of other tasks than "classify".
        model_name: registered name, or name of the user's module.
        target: "xnnpack", "native" or "coreml-pte", or "coreml" for a package.
        precision: a precision of the target, see `compile`.
        created: UTC time, ISO 8601.
        weights_source: "random", "bundled NAME", a file's name, "hf:owner/repo" or "state dict".
        weights_sha256: 64 hex digits.
        versions: versions of hvit-edge, torch and executorch or coremltools at compilation.
        labels: class names in class order; empty if there are none.
        preprocess: preprocessing of photos; None for the task "tensor".
        parity: difference of the program from eager PyTorch in float32 on the golden sample,
            measured during compilation; of several outputs the worst value of each measure.
        golden_tolerance: largest difference with which the self test passes, relative to the
            largest absolute golden output.
        layers: records of layers, the worst first; empty for fp32, and in artifacts of older
            versions without this field.
        cpu: the CPU that the program is optimized for, see `compile`; "any" for packages and for
            artifacts without this field.
        operators: operators of the delegate, in order; empty in artifacts without this field.
        preprocess_source: where the preprocessing came from: "argument", the name of a file, a key
            format, "default of MODEL", or "assumed: default of MODEL"; empty in artifacts of older
            versions without this field.
        labels_source: where the labels came from, in the same form; empty without labels.
        weights_key: key of the set of weights, if the checkpoint has several.
        rewrites_left_out: the rewrites that failed during compilation, one per line: name, tab,
            reason.
        fallback: why it was lowered without any rewrites; empty if it was not.
        model_source: address of the module without folders, see `sources`; empty for a registered
            name, and for a module given in Python.
        model_args: its arguments as JSON; empty without any.
        task: a photo's "classify", "embed", "segment" or "detect"; or "tensor" for artifacts with
            arrays as inputs and outputs.
        input_names: names of the inputs of `forward`, for the task "tensor".
        output_names: names of the outputs of `forward`, for every task but "classify".
        sample_source: where the golden sample came from, for the task "tensor": "argument", a
            file's name, or "drawn: ..." with the declaration.
        ops_outside: the operators outside the delegates in their order, one per line: operator,
            such as `aten.topk.default`, tab, module.
        methods: the methods of an artifact with several, the preferred one first; empty for others.
        method: name of the method that the other fields describe; empty without `methods`.
        normalize: how runtimes normalize an embedding, "l2" or "none"; empty for other tasks.
        colors: color of each class of a mask, `#rrggbb`; empty if runtimes use their palette.
        detect: how boxes are decoded and chosen; None for other tasks than "detect".
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
    ops_outside: str = ""
    methods: tuple[Method, ...] = ()
    method: str = ""
    normalize: str = ""
    colors: tuple[str, ...] = ()
    detect: Detect | None = None

    @property
    def photo_task(self) -> Task | None:
        """Return what the program computes from a photo; None for the task "tensor"."""
        if self.detect is not None:
            return self.detect
        if self.normalize:
            return Embed(self.normalize)
        if self.task == Segment.name:
            return Segment(self.colors)
        return Classify() if self.task == CLASSIFY else None
