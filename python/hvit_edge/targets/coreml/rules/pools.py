"""Translate pools over one to three dimensions."""

from __future__ import annotations

import itertools

import numpy as np
from coremltools.converters.mil import Builder as mb
from coremltools.converters.mil.mil import Var

from hvit_edge.lowering.graph import aten
from hvit_edge.targets.coreml.layout import Layout
from hvit_edge.targets.coreml.moves import concatenated, sliced, taken, viewed
from hvit_edge.targets.coreml.rules.convolutions import several
from hvit_edge.targets.coreml.rules.padding import padded
from hvit_edge.targets.coreml.rules.products import along
from hvit_edge.targets.coreml.rules.registry import Call, rule
from hvit_edge.targets.coreml.values import Value, plain

MAXIMA = {
    aten.max_pool1d.default: 1,
    aten.max_pool2d.default: 2,
    aten.max_pool3d.default: 3,
    aten.max_pool1d_with_indices.default: 1,
    aten.max_pool2d_with_indices.default: 2,
    aten.max_pool3d_with_indices.default: 3,
}
WITH_INDICES = tuple(operator for operator in MAXIMA if "with_indices" in str(operator))
MEANS = {aten.avg_pool1d.default: 1, aten.avg_pool2d.default: 2, aten.avg_pool3d.default: 3}
ADAPTIVE_MAXIMA = {aten.adaptive_max_pool1d.default: 1, aten.adaptive_max_pool2d.default: 2}


def _batched(call: Call, rank: int) -> Value:
    x = call.tensor(0)
    x = viewed(x, [1, *x.layout.shape]) if len(x.layout.logical) == rank + 1 else x
    plain(x)
    return x


def _item_shape(call: Call) -> list[int]:
    made = call.node.meta["val"]
    return list((made[0] if isinstance(made, (tuple, list)) else made).shape)


def _refuse_places(call: Call) -> None:
    if any(user.args[1] == 1 and user.users for user in call.node.users):
        raise ValueError("expected that the indices are not used")


@rule(*MAXIMA)
def max_pool(call: Call) -> Value | tuple[Value]:
    """Translate a max pool; with dilation, it is computed tap by tap."""
    rank, shape = MAXIMA[call.node.target], _item_shape(call)
    if call.node.target in WITH_INDICES:
        _refuse_places(call)
    x = _batched(call, rank)
    dilation = several(call.option(4, "dilation", 1), rank)
    if dilation != [1] * rank:
        y = _by_taps(call, x, dilation, shape[-rank:])
    else:
        y = _max_of_windows(call, x, rank, shape)
    y = viewed(y, shape)
    return (y,) if call.node.target in WITH_INDICES else y


def _max_of_windows(call: Call, x: Value, rank: int, shape: list[int]) -> Value:
    """Pool by maximum; repeat the border if Core ML's windows differ, which changes no maximum."""
    window = _window(call, x, rank, shape)
    if not _has_windows(call, x, rank, shape):
        kernel, strides, pad = _geometry(call, rank)
        sides = zip(x.layout.shape[2:], shape[-rank:], kernel, strides, pad, strict=True)
        for dim, (n, size, reach, step, margin) in enumerate(sides, start=2):
            end = (size - 1) * step + reach - margin
            places = np.arange(-margin, max(end, n)).clip(0, n - 1)[: end + margin]
            x = taken(x, dim, places)
        plain(x)
        window |= {"x": x.data, "pad_type": "valid", "ceil_mode": False}
        del window["pad"]
    y = mb.max_pool(**window)
    return Value(y, Layout.plain(y.shape))


def _by_taps(call: Call, x: Value, dilation: list[int], size: list[int]) -> Value:
    """Return the maximum of one slice for each tap of the kernel."""
    rank = len(dilation)
    kernel = several(call.option(1, "kernel_size"), rank)
    strides = several(call.option(2, "stride") or kernel, rank)
    pad = several(call.option(3, "padding", 0), rank)
    reach = [
        (n - 1) * step + (k - 1) * d + 1
        for n, step, k, d in zip(size, strides, kernel, dilation, strict=True)
    ]
    lengths = zip(reach, x.layout.shape[2:], pad, strict=True)
    after = [max(0, need - n - p) for need, n, p in lengths]
    widths = {at + 2: ends for at, ends in enumerate(zip(pad, after, strict=True)) if any(ends)}
    if widths:
        x = padded(x, widths, -np.inf)
    best: Var | None = None
    for taps in itertools.product(*map(range, kernel)):
        part = x
        for dim, (tap, d, step, n) in enumerate(
            zip(taps, dilation, strides, size, strict=True), start=2
        ):
            part = sliced(part, dim, tap * d, tap * d + (n - 1) * step + 1, step)
        best = part.data if best is None else mb.maximum(x=best, y=part.data)
    if best is None:
        raise ValueError("expected a kernel with at least one tap")
    return Value(best, Layout.plain(best.shape))


@rule(*MEANS)
def avg_pool(call: Call) -> Value:
    """Translate a mean pool; padding counts as zeros unless PyTorch was told otherwise.

    If Core ML has other windows or another divisor, full windows of a map with zeros around it are
    pooled and multiplied by a factor that corrects the count.
    """
    rank, shape = MEANS[call.node.target], call.shape
    x = _batched(call, rank)
    counts_padding = call.option(5, "count_include_pad", True)
    divisor = call.option(6, "divisor_override")
    if divisor is not None or not _has_windows(call, x, rank, shape):
        y = _corrected(call, x, rank, shape, counts_padding, divisor)
    else:
        window = _window(call, x, rank, shape)
        y = mb.avg_pool(**window, exclude_padding_from_average=not counts_padding)
    return viewed(Value(y, Layout.plain(y.shape)), shape)


def _corrected(
    call: Call, x: Value, rank: int, shape: list[int], counts_padding: bool, divisor: int | None
) -> Var:
    kernel, strides, pad = _geometry(call, rank)
    sizes = list(zip(shape[-rank:], kernel, strides, pad, x.layout.shape[2:], strict=True))
    after = [max(0, (n - 1) * step + k - old - p) for n, k, step, p, old in sizes]
    widths = {at + 2: ends for at, ends in enumerate(zip(pad, after, strict=True)) if any(ends)}
    x = padded(x, widths, 0.0) if widths else x
    plain(x)
    y = mb.avg_pool(
        x=x.data, kernel_sizes=kernel, strides=strides, pad_type="valid", ceil_mode=False
    )
    y = mb.slice_by_size(x=y, begin=[0] * (rank + 2), size=[*y.shape[:2], *shape[-rank:]])
    factor = np.ones([1, 1, *[1] * rank])
    for at, (n, k, step, p, old) in enumerate(sizes):
        ends = (0, old + 2 * p) if counts_padding else (p, p + old)
        starts: np.ndarray = np.arange(n) * step
        inside = np.minimum(starts + k, ends[1]) - np.maximum(starts, ends[0])
        factor = factor * (k / inside).reshape(
            [-1 if dim == at + 2 else 1 for dim in range(rank + 2)]
        )
    if divisor is not None:
        factor = np.full([1] * (rank + 2), np.prod(kernel) / divisor)
    return mb.mul(x=y, y=factor.astype(np.float32))


def _geometry(call: Call, rank: int) -> tuple[list[int], list[int], list[int]]:
    kernel = several(call.option(1, "kernel_size"), rank)
    strides = several(call.option(2, "stride") or kernel, rank)
    return kernel, strides, several(call.option(3, "padding", 0), rank)


def _is_whole(call: Call, x: Value, rank: int, shape: list[int]) -> bool:
    """Return True if PyTorch has only windows that fit into the padded map."""
    sides = zip(x.layout.shape[2:], *_geometry(call, rank), strict=True)
    whole = [(n + 2 * margin - reach) // step + 1 for n, reach, step, margin in sides]
    return whole == shape[-rank:]


def _window(call: Call, x: Value, rank: int, shape: list[int]) -> dict[str, object]:
    """Return the arguments that both kinds of pooling share."""
    kernel, strides, pad = _geometry(call, rank)
    return {
        "x": x.data,
        "kernel_sizes": kernel,
        "strides": strides,
        "pad_type": "custom",
        "pad": [end for amount in pad for end in (amount, amount)],
        # Set only if PyTorch has more windows: without padding Core ML adds one outside the map.
        "ceil_mode": not _is_whole(call, x, rank, shape),
    }


def _has_windows(call: Call, x: Value, rank: int, shape: list[int]) -> bool:
    """Return True if Core ML has PyTorch's windows; without padding it may have one more."""
    if _is_whole(call, x, rank, shape):
        return True
    for n, size, reach, step, margin in zip(
        x.layout.shape[2:], shape[-rank:], *_geometry(call, rank), strict=True
    ):
        count = -(-(n + 2 * margin - reach) // step) + 1
        if margin and (count - 1) * step >= n + margin:
            count -= 1
        if count != size:
            return False
    return True


def adaptive_average(call: Call, size: list[int]) -> Value:
    """Return means over windows whose lengths depend on their positions."""
    rank = len(size)
    x = _batched(call, rank)
    sizes = list(zip(x.layout.shape[2:], size, strict=True))
    if all(old % new == 0 for old, new in sizes):
        kernel = [old // new for old, new in sizes]
        y = mb.avg_pool(
            x=x.data, kernel_sizes=kernel, strides=kernel, pad_type="valid", ceil_mode=False
        )
        return viewed(Value(y, Layout.plain(y.shape)), call.shape)
    for dim, (old, new) in enumerate(sizes, start=2):
        matrix = np.zeros((new, old))
        for row, (start, stop) in zip(matrix, _windows(old, new), strict=True):
            row[start:stop] = 1 / (stop - start)
        if old != new:
            x = along(x, dim, matrix)
    return viewed(x, call.shape)


@rule(*ADAPTIVE_MAXIMA)
def adaptive_max(call: Call) -> tuple[Value]:
    """Return the largest element of each window; uneven windows are reduced one by one."""
    _refuse_places(call)
    rank = ADAPTIVE_MAXIMA[call.node.target]
    x, shape = _batched(call, rank), _item_shape(call)
    for dim, new in enumerate(several(call.option(1, "output_size"), rank), start=2):
        old = x.layout.shape[dim]
        if old % new == 0:
            kernel = [old // new if at == dim - 2 else 1 for at in range(rank)]
            plain(x)
            y = mb.max_pool(x=x.data, kernel_sizes=kernel, strides=kernel, pad_type="valid")
            x = Value(y, Layout.plain(y.shape))
            continue
        parts = []
        for start, stop in _windows(old, new):
            part = sliced(x, dim, start, stop)
            plain(part)
            y = mb.reduce_max(x=part.data, axes=[dim], keep_dims=True)
            parts.append(Value(y, Layout.plain(y.shape)))
        x = concatenated(parts, dim)
    return (viewed(x, shape),)


def _windows(old: int, new: int) -> list[tuple[int, int]]:
    """Return the windows from floor(i * old / new) to ceil((i + 1) * old / new)."""
    return [(i * old // new, -(-(i + 1) * old // new)) for i in range(new)]
