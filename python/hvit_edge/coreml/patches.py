"""Import coremltools without libraries that it imports and hvit-edge does not need.

coremltools 9.0 imports the following while it is imported, which takes most of the time:

- its own tools that train compressed modules of PyTorch, `coremltools.optimize.torch`;
- scikit-learn, to find out that its version is too new and to switch its converters off;
- `executorch.exir`, of which it uses nothing;
- torchao, for one operator of PyTorch's converter, which calls `torchao.quantization`.

In `light_import` scikit-learn is missing if its version is too new, and other modules take the
place of the rest. They import the real ones when something of them is used.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from importlib.util import find_spec
from types import ModuleType

from hvit_edge.boundary.patched_version import COREMLTOOLS, installed, optional
from hvit_edge.boundary.patches import standing_in
from hvit_edge.boundary.stand_ins import Later

TRAINING = "coremltools.optimize.torch"
NEWEST_SKLEARN = (1, 5)
"""The newest scikit-learn that coremltools uses, without its last number."""


def light_import() -> AbstractContextManager[None]:
    """Let coremltools be imported in this block without the libraries above."""
    return nullcontext() if "coremltools" in sys.modules else _without_libraries()


@optional(COREMLTOOLS)
@contextmanager
def _without_libraries() -> Iterator[None]:
    with standing_in(_stand_ins()):
        yield


def classes_alone() -> AbstractContextManager[None]:
    """Let the protobuf classes in `coremltools.proto` be imported in this block, and nothing else.

    Importing a module of a package imports the package first, which takes fifteen times as long.
    """
    return nullcontext() if "coremltools" in sys.modules else _empty_package()


@optional(COREMLTOOLS)
@contextmanager
def _empty_package() -> Iterator[None]:
    """Let an empty package take the place of coremltools, with the same folder."""
    found, before = find_spec("coremltools"), set(sys.modules)
    if found is not None:
        sys.modules["coremltools"] = empty = ModuleType("coremltools")
        empty.__path__ = list(found.submodule_search_locations or ())
    try:
        yield
    finally:  # coremltools' own import must find none of its modules
        for name in set(sys.modules) - before:
            if name.partition(".")[0] == "coremltools":
                del sys.modules[name]


def _stand_ins() -> dict[str, ModuleType | None]:
    """Return what takes the place of each module; None makes its import fail."""
    found: dict[str, ModuleType | None] = {TRAINING: Later(TRAINING)}
    if installed("scikit-learn"):
        numbers = tuple(int(part) for part in installed("scikit-learn").split(".")[:2])
        if numbers > NEWEST_SKLEARN:
            found["sklearn"] = None
    if installed("executorch"):
        found["executorch.exir"] = ModuleType("executorch.exir")
    if installed("torchao") and "torchao" not in sys.modules:
        found["torchao"] = ModuleType("torchao")
        quantization = ModuleType("torchao.quantization")
        quantization.quant_primitives = Later("torchao.quantization.quant_primitives")
        found["torchao.quantization"] = quantization
    return found
