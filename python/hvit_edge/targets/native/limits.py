"""Limits and sizes that both the writer and the kernels of a plan rely on.

cpp/src/native/limits.h has the same ones; tests/targets/native/test_limits.py compares the two
files.
"""

PANEL = 16
"""Outputs that are packed side by side in a weight matrix."""
ALIGNMENT = 64
"""Bytes: constants, buffers and the parts of a job's memory begin at multiples of it."""
MOST_KEYS = 4096
"""Keys of attention, whose scores are on the stack."""
MOST_WIDTH = 256
"""Width of a head of attention."""
MOST_TAPS = 256
"""Taps of a convolution or a pool."""
MOST_CHANNELS = 8192
"""Channels of a map that a convolution pads."""
