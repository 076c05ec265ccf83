"""Report the operators that a target does not run: all at once, with the user's lines of code."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from torch._ops import HigherOrderOperator
from torch.fx import GraphModule, Node

from hvit_edge.errors import LoweringError
from hvit_edge.lowering.graph import module_path

_FRAME = re.compile(r'File "(?P<file>[^"]+)", line (?P<line>\d+), in .*\n\s*(?P<code>.*)')
_LIBRARY = re.compile(r"[/\\](torch|hvit_edge)[/\\]|^<")
"""Matches files of libraries, and code made during tracing, such as `<eval_with_key>`."""


@dataclass(frozen=True)
class Needs:
    """Holds what a target expects of a graph, in the words of its errors.

    Attributes:
        where: the part of hvit-edge that raises the error.
        expected: the kind of operators that it expects.
        remedy: what to do about other operators.
    """

    where: str
    expected: str
    remedy: str


class Refusal(LoweringError):
    """Says that a target does not run an operator.

    Attributes:
        needs: what the target expects.
        node: the operator in its graph.
        what: the operator and the module that it is in.
        line: the user's line of code that called it; empty if it is not known.
    """

    def __init__(self, needs: Needs, node: Node, what: str) -> None:
        self.needs, self.node = needs, node
        self.what = f"{what} in {module_path(node) or 'the root module'}"
        self.line = source_line(node)
        where = f"\n  at {self.line}" if self.line else ""
        super().__init__(
            f"[{needs.where}] expected {needs.expected}, got {self.what}; {needs.remedy}{where}"
        )


def check_flat(graph: GraphModule, needs: Needs) -> None:
    """Raise Refusal if an operator of `graph` contains a graph, such as `torch.cond`."""
    for node in graph.graph.nodes:
        if isinstance(node.target, HigherOrderOperator):
            raise Refusal(needs, node, f"torch.{node.target.name()}, which contains a graph,")


def refuse_all(refusals: Sequence[Refusal]) -> LoweringError:
    """Return one error for several refusals; equal operators on the same line are listed once."""
    if len(refusals) == 1:
        return refusals[0]
    needs = refusals[0].needs
    listed = dict.fromkeys(
        f"\n  {refusal.what}" + (f", at {refusal.line}" if refusal.line else "")
        for refusal in refusals
    )
    return LoweringError(
        f"[{needs.where}] expected {needs.expected}, got {len(refusals)} that it does not;"
        f" {needs.remedy}:{''.join(listed)}"
    )


def source_line(node: Node) -> str:
    """Return `file:line: code` of the innermost frame outside libraries; empty if it is unknown."""
    frames = list(_FRAME.finditer(node.meta.get("stack_trace") or ""))
    own = [frame for frame in frames if not _LIBRARY.search(frame["file"])]
    if not own:
        return ""
    return f"{own[-1]['file']}:{own[-1]['line']}: {own[-1]['code'].strip()}"
