"""Import ExecuTorch's compiler in a third of the time.

- The module `executorch.exir.dialects.edge._ops` parses a table of 8,000 lines when it is imported,
  with a YAML parser in Python. libyaml reads the same values from it ten times as fast
  (tests/boundary/test_executorch_compiler.py compares them).
- PyTorch's compiler of kernels, `torch._inductor`, is imported for one pass that removes operators
  which no exported program for inference has.
- torchao is imported to add its operators to two lists, and for two functions. No graph has its
  operators before somebody imports it.
"""

from __future__ import annotations

import importlib
import sys
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from hvit_edge.boundary.patches import TRAINING, light_compiler, yaml_parser

COMPILER = "executorch.exir"
IMPORTED = (COMPILER, "executorch.backends.xnnpack.utils.utils")
"""The modules that import what is not needed."""


def import_compiler() -> None:
    """Import `executorch.exir`; call this before anything else imports it."""
    if COMPILER in sys.modules:
        return
    with read_by_libyaml(), light_compiler(remove_functionalized):
        for name in IMPORTED:
            importlib.import_module(name)


def remove_functionalized(program: Any) -> Any:
    """Return an ExportedProgram without calls of `auto_functionalized`, changed in place.

    PyTorch's pass is imported only for a program that it may change in another way than by removing
    dead operators.
    """
    if any(map(_is_for_pytorchs_pass, program.graph.nodes)):
        training: Any = importlib.import_module(TRAINING)
        return training.unsafe_remove_auto_functionalized_pass(program)
    program.graph.eliminate_dead_code()
    return program


def _is_for_pytorchs_pass(node: Any) -> bool:
    """Return True for operators that contain others, except delegates, and for a copy to itself."""
    import torch

    if node.op != "call_function":
        return False
    if isinstance(node.target, torch._ops.HigherOrderOperator):
        return bool(node.target.name() != "executorch_call_delegate")
    return bool(node.target is torch.ops.aten.copy_.default)


def read_by_libyaml() -> AbstractContextManager[None]:
    """Let `ruamel.yaml.YAML(typ="safe").load(text)` in this block use libyaml, if PyYAML has it."""
    try:
        from yaml import CSafeLoader
    except ImportError:
        return nullcontext()
    return yaml_parser(lambda original: _quick(original, CSafeLoader))


def _quick(original: type, loader: type) -> type:
    """Return what takes the place of `ruamel.yaml.YAML`, which is `original`."""
    import yaml

    class Quick:
        """Reads texts as the safe parser of `ruamel.yaml` does; other parsers are the original."""

        def __init__(self, *, typ: str) -> None:
            self.slow = None if typ == "safe" else original(typ=typ)

        def load(self, text: object) -> object:
            """Parse a text."""
            if self.slow is not None or not isinstance(text, str):
                return (self.slow or original(typ="safe")).load(text)
            return yaml.load(text, loader)

    return Quick
