"""Convert an exported program to ONNX, in each precision of ONNX Runtime's own tools.

    convert_onnx.py MODEL.pt2 CALIBRATION.npz "FOLDER/MODEL onnxruntime" PRECISION...

Each precision is a file "... PRECISION.onnx". A JSON file next to it has its multiply-adds and says
how it was made, or why it could not be made.
"""

import sys
import tempfile
from functools import partial
from pathlib import Path

import numpy as np
import onnx
import torch
from each_precision import convert_each
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_dynamic,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process
from onnxruntime.transformers.float16 import convert_float_to_float16
from work import of_matmul, of_weights

WEIGHTED = {"Conv", "ConvInteger"}  # weights [outputs, inputs of a group, height, width]
MATMULS = {"MatMul", "MatMulInteger"}


class Images(CalibrationDataReader):
    """Yields calibration images one by one, as the quantizer expects."""

    def __init__(self, archive, name):
        with np.load(archive) as images:
            self.feeds = iter([{name: images[key]} for key in images.files])

    def get_next(self):
        return next(self.feeds, None)


def to_fp32(exported, output):
    """Use PyTorch's own exporter; masked attention that it cannot take is decomposed."""
    program, export = torch.export.load(exported), partial(torch.onnx.export, dynamo=True)
    try:
        export(program, f=output, external_data=False)
    except torch.onnx.OnnxExporterError:
        table = torch.export.default_decompositions()
        attention = {op: how for op, how in table.items() if "scaled_dot_product" in str(op)}
        export(program.run_decompositions(attention), f=output, external_data=False)
        return "torch.onnx.export, dynamo, attention written out"
    return "torch.onnx.export, dynamo"


def to_fp16(fp32, output):
    """Convert to float16, with float32 input and output."""
    model = convert_float_to_float16(onnx.load(fp32), keep_io_types=True)
    onnx.save(model, output)
    return "onnxruntime.transformers.float16, float32 inputs and outputs"


def to_static_int8(fp32, calibration, output):
    """Quantize activations and weights of all known operators to int8, with default settings."""
    with tempfile.TemporaryDirectory() as folder:
        prepared = Path(folder, "prepared.onnx")
        quant_pre_process(fp32, prepared, skip_symbolic_shape=True)
        name = onnx.load(prepared).graph.input[0].name
        quantize_static(
            prepared, output, Images(calibration, name), quant_format=QuantFormat.QDQ,
            per_channel=True, activation_type=QuantType.QInt8, weight_type=QuantType.QInt8,
        )  # fmt: skip
    return "quantize_static: QDQ, int8 activations, int8 weights per channel, min-max"


def to_dynamic_int8(fp32, output):
    """Quantize linear layers: ONNX Runtime has no convolution with int8 weights and such ranges."""
    with tempfile.TemporaryDirectory() as folder:
        prepared = Path(folder, "prepared.onnx")
        quant_pre_process(fp32, prepared, skip_symbolic_shape=True)
        model = onnx.load(prepared)
        weights = {tensor.name for tensor in model.graph.initializer}
        # The quantizer transposes weights of Gemm, and then refuses their former shapes.
        shapes = [value for value in model.graph.value_info if value.name not in weights]
        del model.graph.value_info[:]
        model.graph.value_info.extend(shapes)
        quantize_dynamic(
            model, output, op_types_to_quantize=["MatMul", "Gemm"],
            per_channel=True, weight_type=QuantType.QInt8,
        )  # fmt: skip
    return "quantize_dynamic: MatMul and Gemm, int8 weights per channel"


def multiply_adds(path):
    """Return the multiply-adds of one run, from the shapes of the graph."""
    graph = onnx.shape_inference.infer_shapes(onnx.load(path)).graph
    shapes = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    for value in [*graph.value_info, *graph.input, *graph.output]:
        dims = value.type.tensor_type.shape.dim
        shapes[value.name] = tuple(dim.dim_value for dim in dims)
    total = 0
    for node in graph.node:
        if node.op_type in WEIGHTED:
            total += of_weights(shapes[node.output[0]], shapes[node.input[1]])
        elif node.op_type in MATMULS:
            total += of_matmul(shapes[node.output[0]], shapes[node.input[0]][-1])
        elif node.op_type == "Gemm":
            transposed = any(a.name == "transA" and a.i for a in node.attribute)
            depth = shapes[node.input[0]][0 if transposed else 1]
            total += of_matmul(shapes[node.output[0]], depth)
    return total


def main(exported, calibration, stem, *precisions):
    """Convert once, then quantize the result."""
    fp32 = f"{stem} fp32.onnx"
    ways = {
        "fp32": partial(to_fp32, exported),
        "fp16": partial(to_fp16, fp32),
        "int8": partial(to_static_int8, fp32, calibration),
        "int8-dynamic": partial(to_dynamic_int8, fp32),
    }
    convert_each(ways, precisions, stem, ".onnx", multiply_adds)


if __name__ == "__main__":
    main(*sys.argv[1:])
