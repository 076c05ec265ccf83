"""Compute final answers from the outputs of networks, in numpy: masks, boxes, embeddings.

This is the reference for `cpp/src/tasks/`, which does the same for apps. Artifacts on devices and
packages are also decoded by it.
"""

from hvit_edge.answers.boxes import FoundBox, boxes_of
from hvit_edge.answers.embeddings import normalized
from hvit_edge.answers.masks import FoundMask, mask_of
from hvit_edge.answers.placement import Placement, placement_of
from hvit_edge.answers.run_length import run_length

__all__ = [
    "FoundBox",
    "FoundMask",
    "Placement",
    "boxes_of",
    "mask_of",
    "normalized",
    "placement_of",
    "run_length",
]
