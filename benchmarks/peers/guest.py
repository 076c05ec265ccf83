"""Run one model in a peer's runtime on one thread, and mark where its last run begins.

    guest.py MODEL.onnx|MODEL.tflite INPUTS.npz OUTPUTS.npy

INPUTS.npz contains float32 images, "arr_0" and so on. Each runs once, and the last one runs between
the marks of `count_instructions.c` if the interpreter has them. Outputs are float32 [images,
numbers], of several outputs the largest first. In QEMU an aarch64 Python runs this file; otherwise
any Python does.
"""

import ctypes
import sys

import numpy as np


class OnnxRuntime:
    """Runs ONNX Runtime with all its graph optimizations."""

    def __init__(self, path, threads=1):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        self.session = onnxruntime.InferenceSession(
            path, options, providers=["CPUExecutionProvider"]
        )
        self.input = self.session.get_inputs()[0].name

    def set_input(self, array):
        self.feed = {self.input: array}

    def run(self):
        self.outputs = self.session.run(None, self.feed)

    def output(self):
        return in_one_row(self.outputs)


class LiteRt:
    """Runs LiteRT with its XNNPACK delegate, which is enabled by default."""

    def __init__(self, path, threads=1):
        from ai_edge_litert.interpreter import Interpreter

        self.interpreter = Interpreter(path, num_threads=threads)
        self.interpreter.allocate_tensors()
        (self.input,) = self.interpreter.get_input_details()
        self.answers = self.interpreter.get_output_details()
        self.run = self.interpreter.invoke

    def set_input(self, array):
        scale, zero = self.input["quantization"]
        if self.input["dtype"] == np.int8:
            array = np.clip(np.round(array / scale) + zero, -128, 127).astype(np.int8)
        self.interpreter.set_tensor(self.input["index"], array)

    def output(self):
        return in_one_row([self._read(answer) for answer in self.answers])

    def _read(self, answer):
        array = self.interpreter.get_tensor(answer["index"])
        scale, zero = answer["quantization"]
        return (array.astype(np.float32) - zero) * scale if array.dtype == np.int8 else array


def in_one_row(outputs):
    """Return all numbers of a model's outputs, [1, numbers], the largest output first."""
    rows = [np.asarray(output, np.float32).reshape(1, -1) for output in outputs]
    return np.concatenate(sorted(rows, key=np.size, reverse=True), axis=1)


def marks():
    """Return the two functions, or two that do nothing if the interpreter has none."""
    program = ctypes.CDLL(None)
    try:
        return program.hvit_edge_count_begin, program.hvit_edge_count_end
    except AttributeError:
        return (lambda: None), (lambda: None)


def main(model, inputs, outputs):
    """Run every image, and count the last."""
    runtime = (LiteRt if model.endswith(".tflite") else OnnxRuntime)(model)
    with np.load(inputs) as archive:
        images = [archive[name] for name in archive.files]
    begin, end = marks()
    answers = []
    for index, image in enumerate(images):
        runtime.set_input(image)
        run = runtime.run
        if index + 1 < len(images):
            run()
        else:
            begin()
            run()
            end()
        answers.append(runtime.output())
    np.save(outputs, np.concatenate(answers))


if __name__ == "__main__":
    main(*sys.argv[1:])
