"""Convert an exported program to TFLite, in each precision of LiteRT's own quantizer.

    convert_litert.py MODEL.pt2 CALIBRATION.npz "FOLDER/MODEL litert" PRECISION...

Each precision is a file "... PRECISION.tflite". A JSON file next to it has its multiply-adds and
says how it was made, or why it could not be made.
"""

import sys
from functools import partial
from pathlib import Path

import flatbuffers
import litert_torch
import numpy as np
import torch
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter
from ai_edge_quantizer import quantizer, recipe
from each_precision import convert_each
from work import of_matmul, of_weights

ACCEPTS_FP16 = b"fp16accfp16"
OPERATORS = {code: name for name, code in vars(schema.BuiltinOperator).items()}


def to_fp32(exported, output):
    """Convert with LiteRT's converter of PyTorch programs."""
    program = torch.export.load(exported)
    (example,), _ = program.example_inputs
    module = program.module(check_guards=False)
    resized = resize_pixels(module)
    litert_torch.convert(module, (example,)).export(output)
    return "litert_torch.convert" + (
        ", repetitions of a pixel as interpolations" if resized else ""
    )


def resize_pixels(module):
    """Write repetitions of one pixel [N, C, 1, 1] as interpolations of it, which are equal.

    The converter reorders the dimensions of tensors, but not the shape that its BROADCAST_TO has,
    and the interpreter then refuses the file. Returns True if the module was changed.
    """
    repetitions = [
        node
        for node in module.graph.find_nodes(
            op="call_function", target=torch.ops.aten.expand.default
        )
        if len(node.args[1]) == 4 and node.args[0].meta["val"].shape[2:] == (1, 1)
    ]
    for node in repetitions:
        sides = list(node.meta["val"].shape[2:])
        node.target, node.args = (
            torch.ops.aten.upsample_bilinear2d.vec,
            (node.args[0], sides, False, None),
        )
    module.recompile()
    return bool(repetitions)


def to_fp16(fp32, output):
    """Add the note that lets XNNPACK compute the float32 model in float16 if the CPU can.

    TensorFlow's converter writes it for `supported_types = [float16]`. XNNPACK also needs
    permission for float16 sums. Source: tensorflow/lite/delegates/xnnpack/README.md,
    "half-precision inference".
    """
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(Path(fp32).read_bytes(), 0))
    buffer = schema.BufferT()
    buffer.data = np.frombuffer(ACCEPTS_FP16, np.uint8)
    note = schema.MetadataT()
    note.name, note.buffer = "reduced_precision_support", len(model.buffers)
    model.buffers.append(buffer)
    model.metadata = [*(model.metadata or ()), note]
    builder = flatbuffers.Builder()
    builder.Finish(model.Pack(builder), b"TFL3")
    Path(output).write_bytes(builder.Output())
    return "litert_torch.convert, reduced_precision_support fp16accfp16"


def to_static_int8(fp32, calibration, output):
    """Quantize activations and weights of every operator that the quantizer knows to int8."""
    converter = quantizer.Quantizer(fp32, recipe.static_wi8_ai8())
    runner = Interpreter(fp32).get_signature_runner()
    (name,) = runner.get_input_details()
    with np.load(calibration) as images:
        feeds = [{name: images[key]} for key in images.files]
    (signature,) = Interpreter(fp32).get_signature_list()
    ranges = converter.calibrate({signature: feeds}, num_threads=2)
    converter.quantize(ranges).export_model(output, overwrite=True)
    return "ai-edge-quantizer static_wi8_ai8"


def to_dynamic_int8(fp32, output):
    """Quantize weights to int8, with the ranges of their inputs found at run time."""
    converter = quantizer.Quantizer(fp32, recipe.dynamic_wi8_afp32())
    converter.quantize().export_model(output, overwrite=True)
    return "ai-edge-quantizer dynamic_wi8_afp32"


def multiply_adds(path):
    """Return the multiply-adds of one run, from the shapes of the graph."""
    buffer = Path(path).read_bytes()
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(buffer, 0))
    (graph,) = model.subgraphs
    total = 0
    for node in graph.operators:
        code = model.operatorCodes[node.opcodeIndex]
        name = OPERATORS[max(code.builtinCode, code.deprecatedBuiltinCode)]
        shapes = [tuple(graph.tensors[index].shape) for index in node.inputs]
        output = tuple(graph.tensors[node.outputs[0]].shape)
        if name in ("CONV_2D", "FULLY_CONNECTED"):
            total += of_weights(output, shapes[1])
        elif name == "DEPTHWISE_CONV_2D":  # weights [1, height, width, channels]
            total += of_weights(output, shapes[1][:-1])
        elif name == "BATCH_MATMUL":
            transposed = node.builtinOptions is not None and node.builtinOptions.adjX
            total += of_matmul(output, shapes[0][-2 if transposed else -1])
    return total


def main(exported, calibration, stem, *precisions):
    """Convert once, then quantize the result."""
    fp32 = f"{stem} fp32.tflite"
    ways = {
        "fp32": partial(to_fp32, exported),
        "fp16": partial(to_fp16, fp32),
        "int8": partial(to_static_int8, fp32, calibration),
        "int8-dynamic": partial(to_dynamic_int8, fp32),
    }
    convert_each(ways, precisions, stem, ".tflite", multiply_adds)


if __name__ == "__main__":
    main(*sys.argv[1:])
