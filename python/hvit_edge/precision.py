"""List the options of each target. Imports nothing, so that the command line starts quickly."""

TARGET_PRECISIONS = {
    "xnnpack": ("fp32", "fp16", "int8", "int8-dynamic", "auto"),
    "native": ("fp32", "fp16", "int8", "int8-dynamic"),
    "coreml": ("fp16", "fp32", "w8", "w6", "w4", "int8"),
    "coreml-pte": ("fp16", "fp32"),
}
"""The targets and their precisions; the first of each is its default."""
IOS = (17, 18)
COMPUTE_UNITS = ("all", "cpu", "cpu-gpu", "cpu-ne")
"""Versions of iOS and compute units for Core ML; the first of each is the default."""
INT8 = ("int8", "int8-dynamic")
"""Precisions of native that `--cpu arm` changes: all that is not int8 is then float16."""
CPUS = ("any", "arm")
"""CPUs for which programs of xnnpack, and of native in `INT8`, are optimized. They run on any."""
XNNPACK_PACKAGES = ("hvit-edge", "torch", "executorch")
COREML_PACKAGES = ("hvit-edge", "torch", "coremltools")
"""Packages whose versions an artifact records."""
FEWEST_IMAGES = 32
"""The fewest calibration images or samples."""
