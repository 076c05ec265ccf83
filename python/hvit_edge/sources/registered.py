"""Describe the registered models, so that they are listed before torch is imported.

tests/sources/test_address.py compares the table with the registry.
"""

from __future__ import annotations

from dataclasses import dataclass

CONFORMER = "the drive links of github.com/pengzhiliang/Conformer"
SHUNTED = "the drive links of github.com/OliverRensu/Shunted-Transformer"
RANDOM = "random"


@dataclass(frozen=True)
class Listed:
    """Describes a registered model as `hvit-edge list` shows it.

    Attributes:
        name: registered name.
        params: number of parameters at the default number of classes.
        input_size: default (height, width) in pixels; of a sequence model (frames, bands).
        sources: where weights come from.
    """

    name: str
    params: int
    input_size: tuple[int, int]
    sources: tuple[str, ...]


MODELS = (
    Listed("conformer_b", 83289136, (224, 224), (CONFORMER, RANDOM)),
    Listed("conformer_s", 37673424, (224, 224), (CONFORMER, RANDOM)),
    Listed("conformer_ti", 23524704, (224, 224), (CONFORMER, RANDOM)),
    Listed("mobilevit_s", 5578632, (256, 256), ("timm/mobilevit_s.cvnets_in1k", RANDOM)),
    Listed("mobilevit_xs", 2317848, (256, 256), ("timm/mobilevit_xs.cvnets_in1k", RANDOM)),
    Listed(
        "mobilevit_xxs", 1272024, (256, 256), ("timm/mobilevit_xxs.cvnets_in1k", "cifar10", RANDOM)
    ),
    Listed("shunted_b", 39614376, (224, 224), (SHUNTED, RANDOM)),
    Listed("shunted_s", 22401256, (224, 224), (SHUNTED, RANDOM)),
    Listed("shunted_t", 11553576, (224, 224), (SHUNTED, RANDOM)),
    Listed("swin_t", 28288354, (224, 224), ("timm/swin_tiny_patch4_window7_224.ms_in1k", RANDOM)),
    Listed("conformer1d_s", 8715923, (200, 80), ("a checkpoint of your own", RANDOM)),
)
"""The image models, then the sequence models, each sorted by name."""
