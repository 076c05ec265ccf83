"""Targets: what turns a rewritten graph into a program."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing import TypeAlias

    from hvit_edge.targets.coreml.target import Package
    from hvit_edge.targets.lowered_program import LoweredProgram
    from hvit_edge.targets.target import Target

    AnyProgram: TypeAlias = LoweredProgram | Package
    """A program of any target."""

_TARGETS = {
    "xnnpack": ("xnnpack.target", "XnnpackTarget"),
    "native": ("native.target", "NativeTarget"),
    "coreml": ("coreml.target", "CoreMLTarget"),
    "coreml-pte": ("coreml.program_target", "CoreMLProgramTarget"),
}


def target_named(name: str) -> Target[Any]:
    """Return the target that `compile(target=name)` means; its libraries are imported now."""
    module, made = _TARGETS[name]
    return getattr(import_module(f"hvit_edge.targets.{module}"), made)()
