"""Replace attributes of coremltools for compiling; no other file does.

How coremltools is imported is in `hvit_edge/coreml/patches.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from functools import partial
from types import SimpleNamespace
from typing import Any

import coremltools as ct
import numpy as np
from coremltools.converters import _converters_entry
from coremltools.converters.mil.mil import Operation, Program, Var
from coremltools.converters.mil.mil.block import Block
from coremltools.converters.mil.mil.passes.defs.optimize_repeat_ops import _TransposeOptimization
from coremltools.converters.mil.mil.passes.defs.quantization import FP16ComputePrecision
from coremltools.converters.mil.mil.passes.pass_pipeline import PassPipelineManager
from coremltools.converters.mil.mil.passes.pass_registry import PASS_REGISTRY
from coremltools.models import utils

from hvit_edge.boundary.patched_version import COREMLTOOLS, optional, required
from hvit_edge.boundary.replaced import added, replaced

LARGEST, INFINITE, SMALL = 65504, 1e38, 400
"""Numbers in coremltools' cast to float16."""
COMPRESSED, NESTED = "constexpr_", ("cond", "while_loop")
"""How the types of operators begin that expand compressed constants, and those with blocks."""
_check_underflow = FP16ComputePrecision._check_underflow_to_zero


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
    At the end, coremltools looks for unreachable objects among all those of the process. Before it
    casts operators to float16, it makes lists of the places of all numbers in their constants.
    """
    mark = Block._propagate_nonreplaceable_vars

    def mark_if_compressed(block: Block) -> None:
        kinds = {kind.__name__ for kind in set(map(type, block.operations))}
        if any(kind.startswith(COMPRESSED) or kind in NESTED for kind in kinds):
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
        added(FP16ComputePrecision, fp16_overflow=staticmethod(_overflows)),
        added(FP16ComputePrecision, _check_underflow_to_zero=_keep_above_zero),
        replaced(_converters_entry, gc=SimpleNamespace(collect=lambda: 0)),
        replaced(_TransposeOptimization, apply_transform=transform_if_cancelled),
        replaced(Block, _propagate_nonreplaceable_vars=mark_if_compressed),
    ):
        yield


def _overflows(op: Operation) -> bool:
    """Return True if a constant that an operator reads is above float16's largest number.

    Infinities, which here begin at 1e38, stay infinite, so they do not count.
    """
    return any(
        var.op is not None
        and var.op.op_type == "const"
        and var.is_tensor_or_scalar_of(dtype="fp32")
        and _largest(var.op.val.val) > LARGEST
        for var in op.get_flattened_inputs()
    )


def _largest(values: Any) -> float:
    """Return the largest absolute value below 1e38, or 0."""
    absolute = np.abs(values)
    top = absolute.max(initial=0)
    return top if top < INFINITE else np.max(absolute, where=absolute < INFINITE, initial=0)


def _keep_above_zero(passed: FP16ComputePrecision, cast: Var, original: Var) -> None:
    """Keep numbers of a small constant from becoming zero; coremltools copies large ones first."""
    if cast.val is not None and np.size(original.val) < SMALL:
        _check_underflow(passed, cast, original)


def _apply(program: Program, pipeline: ct.PassPipeline) -> None:
    """Apply the passes of a pipeline to a program, and validate it."""
    pipeline.validate()
    for name in pipeline.passes:
        applied = PASS_REGISTRY[name]
        applied.set_options(pipeline.get_options(name))
        applied(program)
    program.validate(check_essential_scope=True)
