"""Convert an exported program to OpenVINO's IR, in float32 and, with NNCF, in int8.

    convert_openvino.py MODEL.pt2 CALIBRATION.npz "FOLDER/MODEL openvino" PRECISION...

Each precision is "... PRECISION.xml" and ".bin". A JSON file next to them has the multiply-adds and
says how they were made, or why they could not be made.
"""

import sys
from functools import partial

import nncf
import numpy as np
import openvino
import torch
from each_precision import convert_each
from work import of_matmul, of_weights

ATTENTION = "ScaledDotProductAttention"


def to_fp32(exported, output):
    """Use OpenVINO's frontend for PyTorch's exported programs."""
    program = torch.export.load(exported)
    (example,), _ = program.example_inputs
    model = openvino.convert_model(program)
    model.reshape(openvino.PartialShape(list(example.shape)))  # the frontend leaves shapes dynamic
    openvino.save_model(model, output, compress_to_fp16=False)
    return "openvino.convert_model"


def to_int8(fp32, calibration, output):
    """Use static ranges from all calibration images, with NNCF's preset for transformers."""
    with np.load(calibration) as archive:
        images = [archive[name] for name in archive.files]
    quantized = nncf.quantize(
        openvino.Core().read_model(fp32),
        nncf.Dataset(images),
        model_type=nncf.ModelType.TRANSFORMER,
        subset_size=len(images),
    )
    openvino.save_model(quantized, output, compress_to_fp16=False)
    return "nncf.quantize, model_type TRANSFORMER"


def multiply_adds(path):
    """Return the multiply-adds of one run, from the shapes of the IR."""
    total = 0
    for node in openvino.Core().read_model(path).get_ops():
        kind = node.get_type_name()
        if kind not in ("Convolution", "GroupConvolution", "MatMul", ATTENTION):
            continue
        output = tuple(node.output(0).get_shape())
        left, right = (tuple(node.input_value(index).get_shape()) for index in (0, 1))
        if kind == ATTENTION:  # of queries and keys [..., tokens, depth]
            total += of_matmul((*left[:-1], right[-2]), left[-1]) + of_matmul(output, right[-2])
        elif kind == "Convolution":
            total += of_weights(output, right)
        elif kind == "GroupConvolution":  # weights [groups, outputs, inputs of a group, ...]
            total += of_weights(output, right[1:])
        else:
            transposed = node.get_attributes()["transpose_a"]
            total += of_matmul(output, left[-2 if transposed else -1])
    return total


def main(exported, calibration, stem, *precisions):
    """Convert once, then quantize the result."""
    fp32 = f"{stem} fp32.xml"
    ways = {"fp32": partial(to_fp32, exported), "int8": partial(to_int8, fp32, calibration)}
    convert_each(ways, precisions, stem, ".xml", multiply_adds)


if __name__ == "__main__":
    main(*sys.argv[1:])
