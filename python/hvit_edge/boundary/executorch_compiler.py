"""Import ExecuTorch's compiler in less time.

The module `executorch.exir.dialects.edge._ops` parses a table of 8,000 lines when it is imported,
with a YAML parser in Python. That takes half of the time of the import. libyaml reads the same
values from it ten times as fast (tests/boundary/test_executorch_compiler.py compares them).
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from importlib.metadata import version

from hvit_edge.boundary.replaced import replaced

COMPILER = "executorch.exir"
VERSION = "1.5.1"
"""The version of ExecuTorch whose import is changed; any other one is imported as it is."""


def import_compiler() -> None:
    """Import `executorch.exir`; call this before anything else imports it."""
    if COMPILER in sys.modules:
        return
    with read_by_libyaml() if version("executorch") == VERSION else nullcontext():
        importlib.import_module(COMPILER)


@contextmanager
def read_by_libyaml() -> Iterator[None]:
    """Let `ruamel.yaml.YAML(typ="safe").load(text)` in this block use libyaml, if PyYAML has it."""
    try:
        import ruamel.yaml
        import yaml

        loader = yaml.CSafeLoader
    except (ImportError, AttributeError):
        yield
        return

    class Quick:
        """Takes the place of `ruamel.yaml.YAML`."""

        def __init__(self, *, typ: str) -> None:
            self.slow = None if typ == "safe" else original(typ=typ)

        def load(self, text: object) -> object:
            """Parse a text, as its safe loader does."""
            if self.slow is not None or not isinstance(text, str):
                return (self.slow or original(typ="safe")).load(text)
            return yaml.load(text, loader)

    original = ruamel.yaml.YAML
    with replaced(ruamel.yaml, YAML=Quick):
        yield
