"""Define the precisions and options of each target.

This module imports nothing, so that the command line starts fast.
"""

PRECISIONS = {
    "xnnpack": ("fp32", "fp16", "int8", "int8-dynamic", "auto"),
    "native": ("fp32", "fp16", "int8", "int8-dynamic"),
    "coreml": ("fp16", "fp32", "w8", "w6", "w4", "int8"),
    "coreml-pte": ("fp16", "fp32"),
}
"""The targets and their precisions; the first of each is its default."""
IOS = (17, 18)
COMPUTE_UNITS = ("all", "cpu", "cpu-gpu", "cpu-ne")
"""The options of both Core ML targets; the first of each is its default."""
INT8 = ("int8", "int8-dynamic")
"""The precisions of native that `--cpu arm` changes: the other layers then compute in float16."""
CPUS = ("any", "arm")
"""The CPUs for which xnnpack, and native in `INT8`, can shape a program; it runs on any CPU."""
