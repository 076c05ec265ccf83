"""Describe the registered models, so that they are listed before torch is imported.

tests/sources/test_address.py compares the table with the registry.
"""

from __future__ import annotations

from dataclasses import dataclass

from hvit_edge.tasks.names import CLASSIFY, DETECT, SEGMENT, TENSOR

CONFORMER = "the drive links of github.com/pengzhiliang/Conformer"
SHUNTED = "the drive links of github.com/OliverRensu/Shunted-Transformer"
CVNETS = "the model zoo of github.com/apple/ml-cvnets"
RANDOM = "random"


@dataclass(frozen=True)
class Listed:
    """Describes a registered model as `hvit-edge list` shows it.

    Attributes:
        name: registered name.
        params: number of parameters at the default number of classes.
        input_size: default (height, width) in pixels; of a sequence model (frames, bands).
        sources: where weights come from.
        task: name of its task.
    """

    name: str
    params: int
    input_size: tuple[int, int]
    sources: tuple[str, ...]
    task: str = CLASSIFY


def _segmenter(name: str, params: int, variant: str) -> Listed:
    sources = (f"apple/deeplabv3-mobilevit-{variant}", RANDOM)
    return Listed(name, params, (512, 512), sources, SEGMENT)


def _detector(name: str, params: int, *bundled: str) -> Listed:
    return Listed(name, params, (320, 320), (CVNETS, *bundled, RANDOM), DETECT)


MODELS = (
    Listed("conformer_b", 83289136, (224, 224), (CONFORMER, RANDOM)),
    Listed("conformer_s", 37673424, (224, 224), (CONFORMER, RANDOM)),
    Listed("conformer_ti", 23524704, (224, 224), (CONFORMER, RANDOM)),
    _segmenter("deeplabv3_mobilevit_s", 6357941, "small"),
    _segmenter("deeplabv3_mobilevit_xs", 2944069, "x-small"),
    _segmenter("deeplabv3_mobilevit_xxs", 1854853, "xx-small"),
    Listed("deeplabv3_mobilevit_xxs_slim", 1095877, (512, 512), ("shapes", RANDOM), SEGMENT),
    Listed("mobilevit_s", 5578632, (256, 256), ("timm/mobilevit_s.cvnets_in1k", RANDOM)),
    Listed("mobilevit_xs", 2317848, (256, 256), ("timm/mobilevit_xs.cvnets_in1k", RANDOM)),
    Listed(
        "mobilevit_xxs", 1272024, (256, 256), ("timm/mobilevit_xxs.cvnets_in1k", "cifar10", RANDOM)
    ),
    Listed("shunted_b", 39614376, (224, 224), (SHUNTED, RANDOM)),
    Listed("shunted_s", 22401256, (224, 224), (SHUNTED, RANDOM)),
    Listed("shunted_t", 11553576, (224, 224), (SHUNTED, RANDOM)),
    _detector("ssdlite_mobilevit_s", 5738826),
    _detector("ssdlite_mobilevit_xs", 2742042),
    _detector("ssdlite_mobilevit_xxs", 1755050, "shapes"),
    Listed("swin_t", 28288354, (224, 224), ("timm/swin_tiny_patch4_window7_224.ms_in1k", RANDOM)),
    Listed("conformer1d_s", 8715923, (200, 80), ("a checkpoint of your own", RANDOM), TENSOR),
)
"""The image models, then the sequence models, each sorted by name."""


def listed(name: str) -> Listed | None:
    """Return the registered model of a name; None if it is not in the table."""
    return next((model for model in MODELS if model.name == name), None)
