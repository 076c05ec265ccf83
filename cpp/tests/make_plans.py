"""Write cpp/tests/data/plans: a small plan of each version, its input and the answers to it.

    python cpp/tests/make_plans.py

A plan holds every operation and every number that its version added. It is written once and stays:
a runtime must read the plans of all versions. cpp/tests/test_native_plan_versions.cpp runs them;
tests/targets/native/test_plan_versions.py checks that the writer still gives the same bytes. The
answers are computed in float64, from definitions instead of the kernels' formulas.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from plan_answers import (
    PARAMETERS,
    POSITIVE,
    activate,
    arithmetic,
    function_of,
    reduced,
    softmax,
    windows,
)
from plan_case import CODED, Case, numbers

from hvit_edge.targets.native import general_operations as general
from hvit_edge.targets.native import operations as ops
from hvit_edge.targets.native.kinds import Activation, Arithmetic, Function, PoolKind, Reduce
from hvit_edge.targets.native.operations import Epilogue, Side, Window
from hvit_edge.targets.native.values import Buffer, Rows

DATA = Path(__file__).parent / "data/plans"


def add_layers(case: Case) -> None:
    """Linear with taps, residual and both activations; layers over windows."""
    given, taps = case.given(5, 3, 4, 7), np.array([2, 0, 3, 1])
    weights, bias = numbers(20, 1).reshape(5, 4), numbers(5, 2)
    residual = case.given(100, 3, 5, 6)
    sums = case.values(given)[:, taps] @ weights.T.astype(np.float64) + bias
    expected = activate(Activation.RELU, activate(Activation.SILU, sums) + case.values(residual))
    epilogue = Epilogue(
        bias, case.rows("linear", expected), Activation.SILU, residual, Activation.RELU
    )
    case.add(ops.Linear(given, weights, epilogue, taps.astype(np.int32)), "linear")

    window = Window(case.source, 9, (4, 3, 2), (8, 2), (2, 3), (3, 2), (2, 1), (1, 1))
    places = 9 + np.arange(4)[:, None, None] * 8 + np.arange(3)[:, None] * 2 + np.arange(2)
    image = case.input[places].astype(np.float64)
    seen = windows(image, (3, 2), (2, 1), (1, 1), (2, 3), 0.0)
    weights = numbers(3 * 12, 3).reshape(3, 3, 2, 2)
    expected = activate(
        Activation.GELU, seen.reshape(6, 12) @ weights.reshape(3, 12).T.astype(float)
    )
    epilogue = Epilogue(None, case.rows("convolution", expected), Activation.GELU)
    case.add(ops.Convolution(window, weights, epilogue), "convolution")

    weights, bias = numbers(12, 4).reshape(6, 2), numbers(2, 5)
    expected = np.einsum("otc,tc->oc", seen, weights.astype(np.float64)) + bias
    epilogue = Epilogue(bias, case.rows("depthwise", expected))
    case.add(ops.Depthwise(window, weights, epilogue), "depthwise")

    low = windows(image, (3, 2), (2, 1), (1, 1), (2, 3), -np.inf)
    case.add(
        ops.Pooling(window, PoolKind.MAXIMUM, case.rows("maximum", low.max(axis=1))), "maximum"
    )
    count = np.isfinite(low).sum(axis=1)
    output = case.rows("average", seen.sum(axis=1) / count)
    case.add(ops.Pooling(window, PoolKind.AVERAGE, output), "average")


def add_rows(case: Case) -> None:
    """Norm, sum and mean of rows; padded planes; a gather."""
    given, gamma, beta = case.given(40, 3, 6, 9), numbers(6, 6), numbers(6, 7)
    x = case.values(given)
    centered = x - x.mean(axis=1, keepdims=True)
    normed = centered / np.sqrt((centered**2).mean(axis=1, keepdims=True) + 0.25)
    output = case.rows("norm", activate(Activation.GELU, normed * gamma + beta))
    case.add(ops.LayerNorm(given, gamma, beta, 0.25, output, Activation.GELU), "norm")

    left, right = case.given(70, 2, 5, 6), case.given(90, 2, 5)
    total = 0.5 * case.values(left) - 1.5 * case.values(right)
    output = case.rows("sum", activate(Activation.RELU, total))
    case.add(ops.Add(left, right, 0.5, -1.5, output, Activation.RELU), "sum")

    given = case.given(120, 6, 4, 5)
    case.add(
        ops.Mean(given, 3, case.rows("mean", case.values(given).reshape(2, 3, 4).mean(axis=1))),
        "mean",
    )

    planes = case.given(200, 1, 24)
    padded = np.pad(case.values(planes).reshape(2, 3, 4), ((0, 0), (2, 2), (1, 1)))
    buffer = Buffer(padded.size)
    case.add(ops.Pad(planes, (2, 3, 4), (2, 1), buffer), "pad")
    case.show("pad", buffer, padded)

    table, source, buffer = np.array([4, 0, 7, 7, 2]), case.given(230, 1, 8), Buffer(5)
    case.add(ops.Gather(source, table, buffer), "gather")
    case.show("gather", buffer, case.values(source)[0][table])


def add_attention(case: Case) -> None:
    """Two heads of other widths, each with a bias of its own."""
    heads, queries, keys, width, value_width = 2, 3, 5, 4, 6
    shapes = ((260, 9, queries, width), (300, 8, keys, width), (350, 13, keys, value_width))
    matrices, arrays = [], []
    for start, stride, tokens, wide in shapes:
        matrices.append(case.matrix(case.source, start, stride, heads, wide))
        places = (
            start + np.arange(heads)[:, None, None] * wide + np.arange(tokens)[:, None] * stride
        )
        arrays.append(case.input[places + np.arange(wide)].astype(np.float64))
    q, k, v = arrays
    biases = numbers(heads * queries * keys, 8).reshape(heads, queries, keys)
    scores = np.einsum("hqw,hkw->hqk", q, k) * 0.75 + biases[::-1]
    expected = np.einsum("hqk,hkv->hqv", softmax(scores), v)
    start = case.answer("attention", expected)
    output = case.matrix(case.target, start, value_width, heads, queries * value_width)
    scratch = Buffer(heads * (16 * width + 16 * keys))
    sizes = (heads, queries, keys, width, value_width)
    order = np.array([1, 0])
    case.add(ops.Attention(*sizes, *matrices, output, biases, order, 0.75, scratch), "attention")


def codes_of(rows: int, width: int, together: int, *, pads: bool) -> ops.Codes:
    """Buffers for the codes of rows."""
    wide = -(-width // 4) * 4
    zeros = Buffer(wide, of_bytes=True) if pads else None
    codes, ranges = Buffer(rows * wide, of_bytes=True), Buffer(8 * rows // together, of_bytes=True)
    return ops.Codes(codes, ranges, zeros, rows, width, together)


def int8_weights(shape: tuple[int, int, int], seed: int) -> tuple[ops.Int8Weights, np.ndarray]:
    """Weights as codes, and the float64 matrix [columns, taps, depth] that they stand for."""
    codes = np.round(numbers(int(np.prod(shape)), seed).reshape(shape) * 100).astype(np.int8)
    scales = (numbers(shape[0], seed + 1) / 2 + 1) / 128
    return ops.Int8Weights(codes, scales), codes * scales[:, None, None].astype(np.float64)


def add_int8(case: Case) -> None:
    """Codes of rows, and layers that multiply them."""
    given, codes = case.given(400, 4, 7, 8), codes_of(4, 7, 2, pads=False)
    case.add(ops.Quantise(given, codes), "codes")
    weights, matrix = int8_weights((5, 1, 7), 9)
    bias = numbers(5, 11)
    expected = case.values(given) @ matrix[:, 0].T + bias
    epilogue = Epilogue(bias, case.rows("linear int8", expected, CODED))
    case.add(ops.LinearInt8(codes, weights, epilogue), "linear int8")

    image, codes = case.given(440, 12, 5), codes_of(12, 5, 12, pads=True)
    case.add(ops.Quantise(image, codes), "pixels")
    window = Window(codes.codes, 0, (4, 3, 5), (24, 8), (2, 3), (3, 2), (2, 1), (1, 1))
    weights, matrix = int8_weights((3, 6, 5), 12)
    seen = windows(case.values(image).reshape(4, 3, 5), (3, 2), (2, 1), (1, 1), (2, 3), 0.0)
    expected = activate(Activation.RELU, np.einsum("otc,ntc->on", seen, matrix))
    epilogue = Epilogue(None, case.rows("convolution int8", expected, CODED), Activation.RELU)
    case.add(ops.ConvolutionInt8(window, codes, weights, epilogue), "convolution int8")


def add_inverted_residual(case: Case, *, is_int8: bool) -> None:
    """A layer, a depthwise convolution that adds its input, and a layer: one operation."""
    height, width, channels, wide = 4, 3, 3, 6
    name = "inverted residual int8" if is_int8 else "inverted residual"
    given = case.given(510, height * width, channels)
    expand, bias = numbers(wide * channels, 14).reshape(wide, channels), numbers(wide, 15)
    expanded = activate(Activation.RELU, case.values(given) @ expand.T.astype(np.float64) + bias)
    taps = numbers(9 * wide, 16).reshape(9, wide) / 2
    seen = windows(
        expanded.reshape(height, width, wide), (3, 3), (1, 1), (1, 1), (height, width), 0.0
    )
    convolved = np.einsum("otc,tc->oc", seen, taps.astype(np.float64))
    middle = activate(Activation.SILU, convolved) + expanded
    map_buffer, middle_buffer = Buffer(expanded.size), Buffer(middle.size)
    places = np.arange(height * width) * wide
    wide_rows = Rows(map_buffer, places, wide)
    case.add(ops.Linear(given, expand, Epilogue(bias, wide_rows, Activation.RELU)), name)
    window = Window(
        map_buffer,
        0,
        (height, width, wide),
        (width * wide, wide),
        (height, width),
        (3, 3),
        (1, 1),
        (1, 1),
    )
    epilogue = Epilogue(None, Rows(middle_buffer, places, wide), Activation.SILU, wide_rows)
    case.add(ops.Depthwise(window, taps, epilogue), name)
    made = Rows(middle_buffer, places, wide)
    if is_int8:
        codes = codes_of(height * width, wide, 1, pads=False)
        case.add(ops.Quantise(made, codes), name)
        weights, matrix = int8_weights((2, 1, wide), 17)
        output = case.rows(name, middle @ matrix[:, 0].T, 4 * CODED)
        case.add(ops.LinearInt8(codes, weights, Epilogue(None, output)), name)
    else:
        weights = numbers(2 * wide, 19).reshape(2, wide)
        output = case.rows(name, middle @ weights.T.astype(np.float64))
        case.add(ops.Linear(made, weights, Epilogue(None, output)), name)


def positive_rows(case: Case, start: int, rows: int, width: int) -> Rows:
    """Rows of the input whose values become 1/4 to 5/4."""
    case.input[start : start + rows * width] = (
        np.abs(case.input[start : start + rows * width]) + 0.25
    )
    return case.given(start, rows, width)


def add_functions(case: Case) -> None:
    """Every function, and every activation that version 2 added."""
    positive = positive_rows(case, 600, 2, 5)
    for kind in Function:
        given = positive if kind in POSITIVE else case.given(3, 2, 5, 7)
        a, b = PARAMETERS.get(kind, (0.0, 0.0))
        name = f"function {kind.name.lower()}"
        output = case.rows(name, function_of(kind, a, b, case.values(given)))
        case.add(general.Unary(kind, a, b, given, output), name)
    for kind in [kind for kind in Activation if kind > Activation.GELU]:
        given, name = case.given(30, 2, 5, 6), f"activation {kind.name.lower()}"
        output = case.rows(name, activate(kind, 2 * case.values(given)))
        case.add(ops.Add(given, None, 2.0, 1.0, output, kind), name)


def add_arithmetic(case: Case, kinds: list[Arithmetic]) -> None:
    """Rows with rows, and rows with one repeated value each."""
    left = positive_rows(case, 620, 2, 4)
    right = case.given(621, 2, 4, 3)
    for kind in kinds:
        name = f"arithmetic {kind.name.lower()}"
        output = case.rows(name, arithmetic(kind, case.values(left), case.values(right)))
        sides = Side(left, False), Side(right, False)
        case.add(general.Binary(kind, *sides, output), name)
    one = case.given(624, 2, 1, 3)
    expected = arithmetic(kinds[0], case.values(one), case.values(left))
    sides = Side(one, True), Side(left, False)
    case.add(
        general.Binary(kinds[0], *sides, case.rows("arithmetic repeated", expected)), "repeated"
    )


def add_reductions(case: Case) -> None:
    """Every reduction of three rows of five values, down and across; softmax; a product."""
    given = case.given(60, 6, 5, 7)
    x = case.values(given).reshape(2, 3, 5)
    for kind in Reduce:
        for across in (False, True):
            name = f"reduce {kind.name.lower()}{' across' if across else ''}"
            expected = reduced(kind, 0.5, 0.125, x, (1, 2) if across else (1,)).reshape(2, -1)
            output = case.rows(name, expected)
            case.add(general.Reduction(kind, across, 0.5, 0.125, 3, given, output), name)
    for log in (False, True):
        given, name = case.given(110, 3, 7, 8), "log softmax" if log else "softmax"
        weights = softmax(case.values(given))
        output = case.rows(name, np.log(weights) if log else weights)
        case.add(general.Softmax(log, given, output), name)

    batches, rows, depth, columns, step = 2, 3, 4, 5, 2
    left = case.matrix(case.source, 150, 6, batches, 20)
    right = case.matrix(case.source, 200, 11, batches, 50)
    batch = np.arange(batches)[:, None, None]
    x = case.input[150 + batch * 20 + np.arange(rows)[:, None] * 6 + np.arange(depth)]
    y = case.input[200 + batch * 50 + np.arange(depth)[:, None] * 11 + np.arange(columns) * step]
    expected = 0.5 * x.astype(np.float64) @ y.astype(np.float64)
    output = case.matrix(
        case.target, case.answer("matmul", expected), columns, batches, rows * columns
    )
    scratch = Buffer(batches * 16 * depth)
    case.add(
        general.Matmul(rows, depth, columns, left, right, step, 0.5, output, scratch), "matmul"
    )


def add_choices(case: Case) -> None:
    """A choice between rows and a repeated value, and a transposition."""
    case.input[[302, 305, 311]] = 0
    condition, left, right = (
        case.given(300, 3, 4, 5),
        case.given(330, 3, 4),
        case.given(350, 3, 1, 2),
    )
    chosen = np.where(case.values(condition) != 0, case.values(left), case.values(right))
    sides = Side(condition, False), Side(left, False), Side(right, True)
    case.add(general.Select(*sides, case.rows("select", chosen)), "select")

    batches, rows, columns, stride, step = 2, 3, 4, 2, 9
    places = 400 + np.arange(batches)[:, None, None] * 60 + np.arange(rows)[:, None] * stride
    expected = case.input[places + np.arange(columns) * step].astype(np.float64)
    matrices, buffer = case.matrix(case.source, 400, stride, batches, 60), Buffer(expected.size)
    case.add(general.Transpose(rows, columns, matrices, step, buffer), "transpose")
    case.show("transpose", buffer, expected)


def case_of(version: int) -> Case:
    """Return everything that plans of this version added."""
    case = Case(version)
    if version == 1:
        add_layers(case)
        add_rows(case)
        add_attention(case)
        add_int8(case)
        add_inverted_residual(case, is_int8=False)
        add_inverted_residual(case, is_int8=True)
    elif version == 2:
        add_functions(case)
        add_arithmetic(case, [kind for kind in Arithmetic if kind < Arithmetic.GREATER])
        add_reductions(case)
    else:
        add_arithmetic(case, [kind for kind in Arithmetic if kind >= Arithmetic.GREATER])
        add_choices(case)
    return case


def main() -> None:
    """Write the plans that are not there yet."""
    DATA.mkdir(exist_ok=True)
    for version in (1, 2, 3):
        case = case_of(version)
        plan, text = DATA / f"v{version}.plan", DATA / f"v{version}.txt"
        if not plan.exists():
            plan.write_bytes(case.write())
            text.write_text(case.text())
            print(plan, plan.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
