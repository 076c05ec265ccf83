"""How operators that the native target does not run are reported: all at once."""

from __future__ import annotations

import re
from collections.abc import Sequence

from torch.fx import Node

from hvit_edge.errors import LoweringError
from hvit_edge.lowering.graph import module_path

_FRAME = re.compile(r'File "(?P<file>[^"]+)", line (?P<line>\d+), in .*\n\s*(?P<code>.*)')
_LIBRARY = re.compile(r"[/\\](torch|hvit_edge)[/\\]")


class Refusal(LoweringError):
    """An operator that this backend does not run.

    Attributes:
        node: the operator in its graph.
        what: it is, and the module that it is in.
        line: of the user's own code that called it; empty if it is not known.
    """

    def __init__(self, node: Node, what: str) -> None:
        self.node = node
        self.what = f"{what} in {module_path(node) or 'the root module'}"
        self.line = _line_of(node)
        where = f"\n  at {self.line}" if self.line else ""
        super().__init__(
            f"[targets.native] expected operators that the native backend runs, got {self.what};"
            f" compile with --target xnnpack{where}"
        )


def refuse_all(refusals: Sequence[Refusal]) -> LoweringError:
    """The error for several of them; the same one on the same line is listed once."""
    if len(refusals) == 1:
        return refusals[0]
    listed = dict.fromkeys(
        f"\n  {refusal.what}" + (f", at {refusal.line}" if refusal.line else "")
        for refusal in refusals
    )
    return LoweringError(
        f"[targets.native] expected operators that the native backend runs, got {len(refusals)}"
        f" that it does not; compile with --target xnnpack:{''.join(listed)}"
    )


def _line_of(node: Node) -> str:
    """`file:line: code` of the innermost frame that is not a library's."""
    frames = list(_FRAME.finditer(node.meta.get("stack_trace") or ""))
    own = [frame for frame in frames if not _LIBRARY.search(frame["file"])]
    if not own:
        return ""
    return f"{own[-1]['file']}:{own[-1]['line']}: {own[-1]['code'].strip()}"
