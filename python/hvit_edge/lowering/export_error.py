"""Explain to a user why `torch.export` refuses a module."""

from __future__ import annotations

from torch import nn

from hvit_edge.errors import LoweringError, first_line
from hvit_edge.user_modules.user_code import place_of_error

_CAUSES = (
    (
        ("data-dependent", "DataDependent", "Dynamic control flow"),
        "control flow or a Python number that depends on the values of tensors",
        "compute both sides and choose with torch.where, and leave asserts and prints of values out"
        " of eval mode",
    ),
    (
        (".numpy() is not supported", "numpy"),
        "NumPy in forward",
        "compute with torch instead",
    ),
    (
        ("RecursionError",),
        "modules that are nested more deeply than Python's stack allows",
        "flatten nested containers, or call sys.setrecursionlimit(10000) first",
    ),
)
_OTHER_REMEDY = "write that line with other torch operators, or keep it out of eval mode"


def untraceable(error: Exception, module: nn.Module) -> LoweringError:
    """Return the error to raise after `torch.export` raised `error` while it traced `module`."""
    text = f"{type(error).__name__} {error}"
    causes = [cause for cause in _CAUSES if any(sign in text for sign in cause[0])]
    _, got, remedy = causes[0] if causes else (None, first_line(error), _OTHER_REMEDY)
    place = place_of_error(error, module)
    return LoweringError(
        f"[export_graph] expected a module that torch.export can trace, got {got}"
        f"{f' (in {place})' if place else ''}; {remedy}"
    )
