"""Replace the functions of coremltools that do not do what a package of hvit-edge needs.

All patches of coremltools are in this file. Each holds inside of a block, and is refused for
another version than the one that it was written for.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import coremltools as ct
from coremltools.models import utils

from hvit_edge.boundary.replaced import replaced
from hvit_edge.targets.patched_version import check_patched_version

VERSION = "9.0"
"""The version of coremltools that is patched."""


@contextmanager
def compression_with(passes: ct.PassPipeline) -> Iterator[None]:
    """Make coremltools' compression, which converts again and accepts no passes, use `passes`.

    Raises:
        LoweringError: coremltools has another version.
    """
    check_patched_version("coremltools", VERSION)
    with replaced(utils, _mil_convert=partial(utils._mil_convert, pass_pipeline=passes)):
        yield
