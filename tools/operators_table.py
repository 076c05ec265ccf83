"""List in docs/operators.md which operators each target takes; the code generates the table.

    python tools/operators_table.py            # writes it
    python tools/operators_table.py --check    # exits with 1 if it is not up to date

Every operator is exported in a separate module and lowered for each target. XNNPACK's operators are
counted after partitioning: "outside" means that ExecuTorch's portable kernels run them.
"""

from __future__ import annotations

import sys
from pathlib import Path

import coremltools
import torch
from operator_probes import GROUPS, SHAPES, Function
from torch import nn
from torch.fx import GraphModule

from hvit_edge.errors import LoweringError
from hvit_edge.lowering import COREML_PIPELINE, NATIVE_PIPELINE, PIPELINE, export_graph, rewrite
from hvit_edge.quantize.layers import find_layers
from hvit_edge.targets.coreml.translate import translate
from hvit_edge.targets.native.graph_plan import plan_graph
from hvit_edge.targets.native.values import Number
from hvit_edge.targets.xnnpack import lower as xnnpack

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "operators.md"
OPENING, CLOSING = "<!-- table: operators -->\n", "<!-- end -->"
YES, OUTSIDE, NO = "yes", "outside", "no"
HEAD = "| operator | XNNPACK | native | Core ML | int8 |\n|---|---|---|---|---|"


class Probe(nn.Module):
    """Applies a function to a computed tensor, not to the input itself."""

    def __init__(self, function: Function) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Apply the function to twice the input, and convert indices to floats."""
        return self.function(x * 2).float()


class Probes(nn.Module):
    """Runs several probes and adds their results, so that one graph contains all of them."""

    def __init__(self, probes: dict[str, Probe], forms: list[str]) -> None:
        super().__init__()
        self.probes, self.forms = nn.ModuleList(probes.values()), forms

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        """Apply every probe to the input of its form."""
        given = dict(zip(SHAPES, inputs, strict=True))
        results = [p(given[form]) for p, form in zip(self.probes, self.forms, strict=True)]
        return sum(result.float().mean() for result in results).reshape(1, 1)


def table() -> str:
    """Return one row per operator, in Markdown."""
    names = [(group, name) for group, probes in GROUPS.items() for name in probes]
    outside = dict(zip(names, on_xnnpack(names), strict=True))
    rows = []
    for group, probes in GROUPS.items():
        rows += ["", f"### {group}", "", HEAD]
        for name, (form, function) in probes.items():
            cells = [outside[group, name], *alone(Probe(function), SHAPES[form])]
            rows.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(rows[1:])


def on_xnnpack(names: list[tuple[str, str]]) -> list[str]:
    """Return whether each operator is inside or outside; all are lowered at once."""
    found = [GROUPS[group][name] for group, name in names]
    probes = {name: Probe(f) for (_, name), (_, f) in zip(names, found, strict=True)}
    module = Probes(probes, [form for form, _ in found]).eval()
    inputs = tuple(torch.rand(shape) for shape in SHAPES.values())
    graph = _rewritten(module, inputs, PIPELINE)
    lowered = xnnpack.lower(graph, inputs)
    modules = {op.module for op in lowered.ops_outside}
    places = [f"probes.{index}" for index in range(len(names))]
    return [
        OUTSIDE if any(f"{module}.".startswith(f"{place}.") for module in modules) else YES
        for place in places
    ]


def alone(probe: Probe, shape: tuple[int, ...]) -> tuple[str, str, str]:
    """Return the answers of the native target and Core ML for one operator, and of int8."""
    probe, inputs = probe.eval(), (torch.rand(shape),)
    native = _rewritten(probe, inputs, NATIVE_PIPELINE)
    core_ml = _rewritten(probe, inputs, COREML_PIPELINE)
    in_int8 = YES if find_layers(native) else "float"
    return (
        _taken(lambda: plan_graph(native, Number.FLOAT32)),
        _taken(lambda: translate(core_ml, opset=coremltools.target.iOS17, pixels=None)),
        in_int8,
    )


def _rewritten(module: nn.Module, inputs: tuple[torch.Tensor, ...], passes: object) -> GraphModule:
    graph = export_graph(module, inputs)
    rewrite(graph, passes=passes)
    return graph


def _taken(lower: object) -> str:
    try:
        lower()
    except LoweringError:
        return NO
    return YES


def main() -> None:
    """Write the document, or check it."""
    torch.manual_seed(0)
    before, _, rest = DOCUMENT.read_text().partition(OPENING)
    after = rest.partition(CLOSING)[2]
    with torch.no_grad():
        written = f"{before}{OPENING}{table()}\n{CLOSING}{after}"
    if "--check" not in sys.argv[1:]:
        DOCUMENT.write_text(written)
    elif written != DOCUMENT.read_text():
        sys.exit(
            "[operators_table] docs/operators.md: expected the operators of the targets, got"
            " others; run python tools/operators_table.py"
        )


if __name__ == "__main__":
    main()
