"""Replace attributes of coremltools for compiling; no other file does.

How coremltools is imported is in `hvit_edge/coreml/patches.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from functools import partial
from types import SimpleNamespace

import coremltools as ct
from coremltools.converters import _converters_entry
from coremltools.converters.mil.mil import Program
from coremltools.converters.mil.mil.block import Block
from coremltools.converters.mil.mil.passes.defs.optimize_repeat_ops import _TransposeOptimization
from coremltools.converters.mil.mil.passes.pass_pipeline import PassPipelineManager
from coremltools.converters.mil.mil.passes.pass_registry import PASS_REGISTRY
from coremltools.models import utils

from hvit_edge.boundary.patched_version import COREMLTOOLS, optional, required
from hvit_edge.boundary.replaced import replaced

COMPRESSED = "constexpr_"
"""How the types of operators begin that expand compressed constants."""


@required(COREMLTOOLS)
@contextmanager
def compression_with(passes: ct.PassPipeline) -> Iterator[None]:
    """Make coremltools' compression, which converts again and accepts no passes, use `passes`.

    Raises:
        LoweringError: coremltools has another version.
    """
    with replaced(utils, _mil_convert=partial(utils._mil_convert, pass_pipeline=passes)):
        yield


@optional(COREMLTOOLS)
@contextmanager
def light_passes() -> Iterator[None]:
    """Make coremltools' passes do only what changes a program.

    coremltools validates the program after each of its hundred passes, writes it as text for a log
    that nobody reads, and marks after each block what depends on compressed constants, even if
    there are none. Here a program is validated once, after all passes of a pipeline. The pass that
    cancels transposes infers the types of all operators again, even if it found none to cancel.
    At the end, coremltools looks for unreachable objects among all those of the process.
    """
    mark = Block._propagate_nonreplaceable_vars

    def mark_if_compressed(block: Block) -> None:
        if any(op.op_type.startswith(COMPRESSED) or op.blocks for op in block.operations):
            mark(block)

    transform = _TransposeOptimization.apply_transform

    def transform_if_cancelled(found: _TransposeOptimization) -> None:
        cancelled = copy(found.transpose_op_to_cancel_ops)
        found._verify_cancellable_transposes()
        if found.transpose_op_to_cancel_ops:
            found.transpose_op_to_cancel_ops = cancelled
            transform(found)
            return
        found.block.set_outputs([sink.x for sink in found.output_sink_ops])
        found.block.remove_ops(list(found.output_sink_ops))

    with (
        replaced(PassPipelineManager, apply_pipeline=_apply),
        replaced(_converters_entry, gc=SimpleNamespace(collect=lambda: 0)),
        replaced(_TransposeOptimization, apply_transform=transform_if_cancelled),
        replaced(Block, _propagate_nonreplaceable_vars=mark_if_compressed),
    ):
        yield


def _apply(program: Program, pipeline: ct.PassPipeline) -> None:
    """Apply the passes of a pipeline to a program, and validate it."""
    pipeline.validate()
    for name in pipeline.passes:
        applied = PASS_REGISTRY[name]
        applied.set_options(pipeline.get_options(name))
        applied(program)
    program.validate(check_essential_scope=True)
