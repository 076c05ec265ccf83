"""Define limits and sizes that both the writer and the kernels of a plan rely on.

cpp/src/native/plan_limits.h has the same ones; tests/targets/native/test_plan_limits.py compares
the two files.
"""

PANEL = 16
"""The outputs that are packed side by side in a weight matrix."""
ALIGNMENT = 64
"""The bytes at multiples of which constants, buffers and parts of a job's memory begin."""
MOST_KEYS = 4096
"""The most keys of attention; its scores are on the stack."""
MOST_WIDTH = 256
"""The largest width of a head of attention."""
MOST_TAPS = 256
"""The most taps of a convolution or a pool."""
MOST_CHANNELS = 8192
"""The most channels of a map that a convolution pads."""
