"""Refuse the operators that the native target does not run."""

from __future__ import annotations

from torch.fx import Node

from hvit_edge.targets import refusals
from hvit_edge.targets.refusals import Needs, refuse_all

NEEDS = Needs(
    "targets.native",
    "operators that the native backend runs",
    "compile with --target xnnpack (target='xnnpack')",
)

__all__ = ["NEEDS", "Refusal", "refuse_all"]


class Refusal(refusals.Refusal):
    """Says that the native backend does not run an operator."""

    def __init__(self, node: Node, what: str) -> None:
        super().__init__(NEEDS, node, what)
