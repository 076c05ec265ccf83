"""What can be asked of each target. Imports nothing, so that the command line knows it at once."""

PRECISIONS = {
    "xnnpack": ("fp32", "fp16", "int8", "int8-dynamic", "auto"),
    "native": ("fp32", "fp16", "int8", "int8-dynamic"),
    "coreml": ("fp16", "fp32", "w8", "w6", "w4", "int8"),
    "coreml-pte": ("fp16", "fp32"),
}
"""The targets and their precisions; the first of each is its default."""
IOS = (17, 18)
COMPUTE_UNITS = ("all", "cpu", "cpu-gpu", "cpu-ne")
"""Both of Core ML; the first is the default."""
INT8 = ("int8", "int8-dynamic")
"""Those of native that `--cpu arm` changes: beside int8 it computes in float16 then."""
CPUS = ("any", "arm")
"""Of xnnpack, and of native in `INT8`: what a program is shaped for. It runs anywhere."""
XNNPACK_PACKAGES = ("hvit-edge", "torch", "executorch")
COREML_PACKAGES = ("hvit-edge", "torch", "coremltools")
"""Packages whose versions an artifact records."""
