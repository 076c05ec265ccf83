"""Defines the runtimes in which a worker can load a model, in addition to those of guest.py.

Each is a class. `PACKAGE` is the package whose version is reported, and `MODULES` are imported
before the load time starts. An object loads in `__init__(path, threads, **options)`, takes one
float32 [1, 3, H, W] by `set_input`, runs with `run()` and returns its answer with `output()`: all
numbers of its outputs, as `guest.in_one_row` orders them.
Packages are imported inside, because each is in a different environment.
"""

import guest
import numpy as np


class HvitEdge:
    """Runs an artifact in hvit-edge's C++ runtime, whichever program lowered it."""

    PACKAGE, MODULES = "hvit-edge", ("hvit_edge.runtime",)

    def __init__(self, path, threads):
        from hvit_edge.runtime import Session

        self.session = Session(path, threads=threads)

    def set_input(self, array):
        self.array = array

    def run(self):
        self.outputs = self.session(self.array)

    def output(self):
        return guest.in_one_row(self.outputs)


class ExecuTorch(HvitEdge):
    """Runs ExecuTorch's own lowering in the ExecuTorch runtime inside ours."""

    PACKAGE = "executorch"


class Eager:
    """Runs eager PyTorch; MODEL.pt is a state dict of the registered model of that name."""

    PACKAGE, MODULES = "torch", ("torch", "hvit_edge.weights")

    def __init__(self, path, threads, *, model, input_size):
        import torch

        from hvit_edge import create_model

        torch.set_num_threads(threads)
        self.torch = torch
        self.module = create_model(model, weights=path, input_size=input_size)

    def set_input(self, array):
        self.tensor = self.torch.from_numpy(array)

    def run(self):
        with self.torch.inference_mode():
            self.outputs = self.module(self.tensor)

    def output(self):
        both = self.outputs if isinstance(self.outputs, tuple) else (self.outputs,)
        return guest.in_one_row([output.numpy() for output in both])


class Compiled(Eager):
    """Runs torch.compile with the weights frozen into Inductor's code."""

    def __init__(self, path, threads, **options):
        super().__init__(path, threads, **options)
        import torch._inductor.config

        torch._inductor.config.freezing = True
        self.module = torch.compile(self.module)

    def run(self):
        with self.torch.no_grad():  # Inductor freezes nothing in inference mode
            self.outputs = self.module(self.tensor)


class OpenVino:
    """Runs OpenVINO for minimum latency; `inference` is the precision that it may compute in."""

    PACKAGE, MODULES = "openvino", ("openvino",)

    def __init__(self, path, threads, *, inference):
        import openvino

        settings = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_NUM_THREADS": threads,
            "INFERENCE_PRECISION_HINT": inference,  # otherwise bf16 if the processor has it
        }
        compiled = openvino.Core().compile_model(path, "CPU", settings)
        self.request = compiled.create_infer_request()
        self.run = self.request.infer

    def set_input(self, array):
        import openvino

        self.array = array  # shared with the tensor
        self.request.set_input_tensor(openvino.Tensor(array, shared_memory=True))

    def output(self):
        return guest.in_one_row([tensor.data for tensor in self.request.output_tensors])


class Ncnn:
    """Runs ncnn with its defaults; `path` is MODEL.param, and MODEL.bin is next to it."""

    PACKAGE, MODULES = "ncnn", ("ncnn",)

    def __init__(self, path, threads):
        import ncnn

        self.ncnn, self.net = ncnn, ncnn.Net()
        self.net.opt.num_threads = threads
        for load, file in (
            (self.net.load_param, path),
            (self.net.load_model, path.removesuffix(".param") + ".bin"),
        ):
            if load(file) != 0:
                raise RuntimeError(f"ncnn refuses {file.rpartition('/')[2]}")

    def set_input(self, array):
        self.input = self.ncnn.Mat(np.ascontiguousarray(array[0])).clone()

    def run(self):
        extractor = self.net.create_extractor()
        extractor.input("in0", self.input)
        self.outputs = []
        for name in self.net.output_names():
            status, output = extractor.extract(name)
            if status != 0:
                raise RuntimeError(f"ncnn's extract gives status {status}")
            self.outputs.append(output)

    def output(self):
        return guest.in_one_row([np.array(output) for output in self.outputs])


class OnnxRuntime(guest.OnnxRuntime):
    """Runs ONNX Runtime as in guest.py."""

    PACKAGE, MODULES = "onnxruntime", ("onnxruntime",)


class LiteRt(guest.LiteRt):
    """Runs LiteRT as in guest.py."""

    PACKAGE, MODULES = "ai-edge-litert", ("ai_edge_litert.interpreter",)


RUNTIMES = {
    "hvit-edge": HvitEdge,
    "executorch": ExecuTorch,
    "eager": Eager,
    "torch.compile": Compiled,
    "onnxruntime": OnnxRuntime,
    "openvino": OpenVino,
    "litert": LiteRt,
    "ncnn": Ncnn,
}
