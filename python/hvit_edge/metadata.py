"""What an artifact says about itself, as plain Python values. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass

from hvit_edge.preprocess import Preprocess

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Parity:
    """How close the program comes to eager PyTorch in float32, measured on the golden image.

    Attributes:
        max_abs: largest absolute difference of a logit.
        max_rel: `max_abs` divided by the largest absolute golden logit.
        cosine: cosine of the angle between the two outputs.
        top1_agree: both name the same class.
    """

    max_abs: float
    max_rel: float
    cosine: float
    top1_agree: bool


@dataclass(frozen=True)
class Metadata:
    """The metadata fields of an artifact; docs/artifact.md defines each of them.

    Attributes:
        schema_version: 1.
        model_name: registered name, or the user's own.
        target: "xnnpack".
        precision: "fp32".
        created: UTC time, ISO 8601.
        weights_source: "random", "bundled NAME", a file's name, "hf:owner/repo" or "state dict".
        weights_sha256: 64 hex digits.
        versions: versions of hvit-edge, torch and executorch that wrote the artifact.
        labels: class names in class order; empty where there are none.
        preprocess: from a photo to the network's input.
        parity: measured when the artifact was compiled.
        golden_tolerance: the self test passes up to this difference, relative to the largest
            absolute golden output.
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
    preprocess: Preprocess
    parity: Parity
    golden_tolerance: float
