"""List the rewrites of each target in order, with the reason for each place, and apply them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch.fx import GraphModule

from hvit_edge.lowering.canonicalize_conversions import canonicalize_conversions
from hvit_edge.lowering.canonicalize_views import canonicalize_views
from hvit_edge.lowering.centre_residuals import centre_residuals
from hvit_edge.lowering.decompose_activations import decompose_activations
from hvit_edge.lowering.decompose_attention import decompose_attention
from hvit_edge.lowering.decompose_composites import decompose_composites
from hvit_edge.lowering.decompose_functions import decompose_functions
from hvit_edge.lowering.decompose_group_norm import decompose_group_norm
from hvit_edge.lowering.decompose_layer_norm import decompose_layer_norm
from hvit_edge.lowering.fold_batch_norm import fold_batch_norm
from hvit_edge.lowering.fold_constants import fold_constants
from hvit_edge.lowering.fold_norm_affine import fold_norm_affine
from hvit_edge.lowering.fold_scale import fold_scale
from hvit_edge.lowering.fuse_attention import fuse_attention
from hvit_edge.lowering.graph import cleanup
from hvit_edge.lowering.lower_ranks import lower_ranks
from hvit_edge.lowering.merge_views import merge_views
from hvit_edge.lowering.narrow_doubles import narrow_doubles
from hvit_edge.lowering.patches import lazy_code
from hvit_edge.lowering.place_softmax import place_softmax
from hvit_edge.lowering.pool_before_projection import pool_before_projection
from hvit_edge.lowering.remove_expands import remove_expands
from hvit_edge.lowering.remove_identities import remove_identities
from hvit_edge.lowering.replace_as_strided import replace_as_strided
from hvit_edge.lowering.replace_convolutions import replace_convolutions
from hvit_edge.lowering.replace_global_pool import replace_global_pool
from hvit_edge.lowering.replace_index_writes import replace_index_writes
from hvit_edge.lowering.replace_indexing import replace_indexing
from hvit_edge.lowering.replace_masks import replace_masks
from hvit_edge.lowering.replace_matmul import replace_matmul
from hvit_edge.lowering.replace_max import replace_max
from hvit_edge.lowering.replace_mean import replace_mean
from hvit_edge.lowering.replace_pools import replace_pools
from hvit_edge.lowering.replace_repeats import replace_repeats
from hvit_edge.lowering.replace_resize import replace_bilinear, replace_resize
from hvit_edge.lowering.replace_roll import replace_roll
from hvit_edge.lowering.replace_scalars import replace_scalars
from hvit_edge.lowering.replace_scatters import replace_scatters
from hvit_edge.lowering.replace_silu import silu_by_exp, silu_by_tanh
from hvit_edge.lowering.replace_strided_slice import replace_strided_slice
from hvit_edge.lowering.replace_unfold import replace_unfold
from hvit_edge.lowering.replace_volumes import replace_volumes
from hvit_edge.lowering.separate_complex import separate_complex
from hvit_edge.lowering.separate_constants import separate_constants
from hvit_edge.lowering.snapshot import Snapshot
from hvit_edge.lowering.trim_kernels import trim_kernels
from hvit_edge.lowering.unroll_recurrence import unroll_recurrence

Rewrite = Callable[[GraphModule], bool]
Check = Callable[[GraphModule], str]

_EVERYWHERE: tuple[Rewrite, ...] = (
    replace_as_strided,  # first: others change strides; emits reshape and index_select
    narrow_doubles,  # all others may look at the dtype
    separate_complex,  # emits linear, views and element-wise operators of real numbers
)
"""The rewrites of every target: no target has what they replace."""

_BEFORE_WRITING_OUT: tuple[Rewrite, ...] = (
    remove_identities,  # first: a dropout or a copy must not hide a pattern
    canonicalize_conversions,  # after identities, which would be conversions too
    canonicalize_views,  # later rewrites then know reshape, permute and slice only
    fold_constants,  # masks and position tables become plain constants before they are matched
    replace_index_writes,  # its places are plain constants now; emits slices, cat and index_select
    fold_batch_norm,  # while convolution and norm are still next to each other
    trim_kernels,  # after batch norms, which give convolutions new weights
    fold_norm_affine,  # while the norm is one operator, and a roll is not yet slices
    pool_before_projection,  # after batch norms, which may be between the two
)

_TAKING_APART: tuple[Rewrite, ...] = (
    *_EVERYWHERE,
    unroll_recurrence,  # emits linears, slices, element-wise operators and cat
    decompose_composites,  # emits views, products and sums that all others read
    replace_convolutions,  # emits conv2d, into which a batch norm folds
    replace_volumes,  # after 3-D convolutions of which one is enough; emits conv2d
)

_WRITING_OUT: tuple[Rewrite, ...] = (
    replace_unfold,  # emits conv2d, slices, pads and cat
    replace_resize,  # may emit linear and permute
    replace_indexing,  # may emit linear and permute; emits slices, pads and cat
    replace_scatters,  # emits slices and cat
    replace_pools,  # after the rewrites that emit pads; emits pads and pools
    replace_roll,  # emits slices and cat
    replace_strided_slice,  # emits slices, reshape and cat
    replace_masks,  # emits products, sums and expand
    decompose_attention,  # emits matmul, softmax, permute and repeat_interleave
    decompose_group_norm,  # emits mean, reshape and element-wise operators
    decompose_layer_norm,  # emits linear and element-wise operators
    decompose_activations,  # emits slices, element-wise operators and numbers
    decompose_functions,  # emits amax, mean, sqrt and numbers
    remove_expands,  # after the averages, which are often expanded
    replace_mean,  # emits linear and bmm
    replace_max,  # emits max_pool2d and reshape
    replace_matmul,  # after attention, which emits matmul; emits bmm and products with ones
    replace_repeats,  # after the two that need fewer of them
    place_softmax,  # after attention, which emits softmax; emits permute and reshape
    replace_scalars,  # after everything that may emit numbers
    fold_scale,  # after attention and numbers: the scale of q is a constant of one element now
    fold_constants,  # folds what the rewrites above computed from weights
    separate_constants,  # after everything that makes constants
    lower_ranks,  # emits reshape
    merge_views,  # last: the rewrites above emit many reshapes
)

PIPELINE: tuple[Rewrite, ...] = (*_TAKING_APART, *_BEFORE_WRITING_OUT, *_WRITING_OUT)

ARM_PIPELINE: tuple[Rewrite, ...] = (
    *_TAKING_APART,
    *_BEFORE_WRITING_OUT,
    centre_residuals,  # norms have no shift now, and are one operator still
    silu_by_exp,  # convolutions have their norms' scales now
    *_WRITING_OUT,
)
"""Adds rewrites that save instructions on 64-bit Arm; see docs/arm.md."""

ARM_HALF_PIPELINE: tuple[Rewrite, ...] = tuple(
    silu_by_tanh if apply is silu_by_exp else apply for apply in ARM_PIPELINE
)
"""The same for what will compute in float16."""

IN_HALF = ("fp16", "int8")
"""Precisions that compute floating point in float16 if the program is for Arm."""


def pipeline_for(cpu: str, precision: str) -> tuple[Rewrite, ...]:
    """Return the rewrites of an XNNPACK program; `cpu` and `precision` are those of `compile`."""
    if cpu != "arm":
        return PIPELINE
    return ARM_HALF_PIPELINE if precision in IN_HALF else ARM_PIPELINE


def applied_passes(
    passes: Sequence[Rewrite], rewrites_left_out: str, fallback: str
) -> tuple[Rewrite, ...]:
    """Return the rewrites among `passes` that were applied to a program.

    Args:
        passes: the pipeline of the program.
        rewrites_left_out: from its metadata; one line per rewrite, the name before a tab.
        fallback: from its metadata; if not empty, no rewrite was applied.
    """
    left_out = {line.split("\t")[0] for line in rewrites_left_out.splitlines()}
    return () if fallback else tuple(p for p in passes if p.__name__ not in left_out)


COREML_PIPELINE: tuple[Rewrite, ...] = (
    *_EVERYWHERE,
    unroll_recurrence,  # emits linears, slices, element-wise operators and cat
    remove_identities,  # early: a dropout or a copy must not hide a pattern
    canonicalize_conversions,  # after identities, which would be conversions too
    canonicalize_views,  # later rewrites then know reshape, permute and slice only
    fold_constants,  # masks and position tables become plain constants
    replace_index_writes,  # its places are plain constants now; emits slices, cat and index_select
    fold_batch_norm,  # while convolution and norm are still next to each other
    trim_kernels,  # after batch norms, which give convolutions new weights
    fold_norm_affine,  # while a roll is not yet slices
    fuse_attention,  # biases are plain constants now; the Core ML target splits heads itself
    replace_roll,  # emits slices and cat, so the Neural Engine needs no gather
    fold_constants,  # folds what the rewrites above computed from weights
)
"""Keeps norms and attention, because Core ML has them. Views cost nothing there, see
`targets.coreml.layout`."""

NATIVE_PIPELINE: tuple[Rewrite, ...] = (
    *_EVERYWHERE,
    unroll_recurrence,  # emits linears, slices, element-wise operators and cat
    replace_volumes,  # before batch norms are folded; emits conv2d
    *_BEFORE_WRITING_OUT,
    fuse_attention,  # biases are plain constants now
    replace_global_pool,  # a pool over the full map is a mean
    replace_bilinear,  # emits linear and permute
)
"""Keeps norms, attention, rolls and nearest resizing. Views cost nothing, see `targets.native`."""


@dataclass(frozen=True)
class PassReport:
    """Reports what one rewrite did.

    Attributes:
        name: name of the rewrite.
        modified: True if it changed the graph.
        seconds: its run time.
        left_out: why it was left out of this program; empty if it was applied.
    """

    name: str
    modified: bool
    seconds: float
    left_out: str = ""


def rewrite(
    graph: GraphModule,
    *,
    passes: Sequence[Rewrite] = PIPELINE,
    after_each: Callable[[PassReport], None] | None = None,
    check: Check | None = None,
) -> list[PassReport]:
    """Apply `passes` in order, in place.

    No program needs a rewrite; a rewrite only makes it better. A rewrite that raises, or that
    changes the answer of the graph, is therefore left out, and the others are applied without it.

    Args:
        graph: from `export_graph`.
        passes: rewrites to apply.
        after_each: called with the report of each rewrite when it is done. If a rewrite is left
            out, the calls start again with the first rewrite.
        check: returns what is wrong with the answer of a graph, or an empty string. It is called
            once if the answer is right, otherwise after each rewrite until the faulty one is found.

    Returns:
        One report per rewrite. The report of a rewrite that was left out has the reason.
    """
    snapshot = Snapshot(graph)
    reasons: dict[int, str] = {}
    while True:
        with lazy_code():
            reports = _apply_all(graph, passes, reasons, after_each)
            if reports is not None and check is not None and any(r.modified for r in reports):
                reports = _checked(graph, passes, reasons, reports, check, snapshot)
        if reports is not None:
            graph.graph.lint()
            return reports
        snapshot.restore()


def _apply_all(
    graph: GraphModule,
    passes: Sequence[Rewrite],
    reasons: dict[int, str],
    after_each: Callable[[PassReport], None] | None,
) -> list[PassReport] | None:
    """Apply `passes` except those with an entry in `reasons`, and return their reports.

    If a rewrite raises, add its reason and return None.
    """
    reports = []
    for place, apply in enumerate(passes):
        start = time.perf_counter()
        try:
            modified = place not in reasons and apply(graph)
            if modified:
                cleanup(graph)
        except Exception as error:  # a case that the rewrite does not handle
            reasons[place] = f"{type(error).__name__}: {error}"
            return None
        seconds, reason = time.perf_counter() - start, reasons.get(place, "")
        reports.append(PassReport(apply.__name__, modified, seconds, reason))
        if after_each is not None:
            after_each(reports[-1])
    return reports


def _checked(
    graph: GraphModule,
    passes: Sequence[Rewrite],
    reasons: dict[int, str],
    reports: list[PassReport],
    check: Check,
    snapshot: Snapshot,
) -> list[PassReport] | None:
    """Return `reports` if the answer of the graph is right.

    If a rewrite makes it wrong, add the reason to `reasons` and return None.
    """
    if not _fault(graph, check):
        return reports
    snapshot.restore()
    if _fault(graph, check):  # wrong before any rewrite, so none of them is the cause
        _apply_all(graph, passes, reasons, None)
        return reports
    for place, (apply, report) in enumerate(zip(passes, reports, strict=True)):
        if report.modified and apply(graph):
            cleanup(graph)
            fault = _fault(graph, check)
            if fault:
                reasons[place] = fault
                return None
    return reports


def _fault(graph: GraphModule, check: Check) -> str:
    try:
        return check(graph)
    except Exception as error:  # a graph that does not run
        return f"{type(error).__name__}: {error}"
