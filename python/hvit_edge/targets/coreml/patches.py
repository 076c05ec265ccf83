"""Replace attributes of coremltools for compiling; no other file does.

How coremltools is imported is in `hvit_edge/coreml/patches.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import coremltools as ct
from coremltools.models import utils

from hvit_edge.boundary.patched_version import COREMLTOOLS, required
from hvit_edge.boundary.replaced import replaced


@required(COREMLTOOLS)
@contextmanager
def compression_with(passes: ct.PassPipeline) -> Iterator[None]:
    """Make coremltools' compression, which converts again and accepts no passes, use `passes`.

    Raises:
        LoweringError: coremltools has another version.
    """
    with replaced(utils, _mil_convert=partial(utils._mil_convert, pass_pipeline=passes)):
        yield
