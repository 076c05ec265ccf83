"""Write cpp/fuzz/corpus/native_plan: a small plan of each operation of the native backend.

    python cpp/fuzz/make_plan_seeds.py

The words are those that cpp/src/native/read_plan.cpp reads, in the same order.
"""

from __future__ import annotations

import struct
from pathlib import Path

from hvit_edge.targets.native.kinds import Kind, version_of

CORPUS = Path(__file__).parent / "corpus/native_plan"
MEMORY = 2048  # bytes of the arena, the input and the output
HALF = struct.unpack("<q", struct.pack("<d", 0.5))[0]
TABLE = 0  # constants: 0, 15, 1, 0 and zeros
ZEROS = 64
WINDOW = (2, 0, 5, 4, 2, 8, 2, 3, 2, 3, 3, 2, 2, 1, 1)
CODES = (0, 1024, 5, 4, 2, 16, 4, 3, 2, 3, 3, 2, 2, 1, 1)
RING = (0, 0, *WINDOW[2:])
WEIGHTS = (ZEROS, ZEROS, ZEROS)  # codes, scales, totals
HEADS = (0, 3, TABLE)
HEADS_AT = {space: (space, 0, 5, TABLE) for space in (2, 3)}

PLANS = {
    "linear": (0, 2, 3, 4, -1, 2, 0, 3, -1, ZEROS, ZEROS, 2, 0, 512, 4, -1, 1, 3, 0, 0, TABLE),
    "convolution": (1, *WINDOW, 2, ZEROS, -1, 0, -1, 0, 3, 0, 2, -1),
    "depthwise": (2, *WINDOW, ZEROS, -1, 3, -1, 0, 3, 0, 2, -1),
    "pooling": (3, *WINDOW, 1, 3, 0, 2, -1),
    "layer_norm": (4, 2, 3, 2, 0, 3, -1, ZEROS, -1, HALF, 0, 3, 0, 3, -1),
    "attention": (5, 2, 5, 5, 3, 3, 2, *HEADS, 2, *HEADS, 2, *HEADS, 3, *HEADS)
    + (1, ZEROS, ZEROS, HALF, 0),
    "add": (6, 2, 3, 2, 0, 3, -1, 0, 64, 3, -1, HALF, HALF, 1, 3, 0, 3, -1),
    "mean": (7, 2, 2, 3, 2, 0, 3, -1, 3, 0, 3, -1),
    "pad": (8, 2, 3, 4, 1, 2, 2, 0, 0, -1, 0),
    "gather": (9, 4, TABLE, 2, 0, 0, -1, 0),
    "quantise": (10, 2, 3, 1, 2, 0, 3, -1, 0, 64, 0),
    "linear_int8": (11, 2, 3, 4, 1, 0, 64, *WEIGHTS, ZEROS, 1, -1, 0, 3, 0, 4, -1),
    "convolution_int8": (12, *CODES, 2, 64, 128, *WEIGHTS, -1, 0, -1, 0, 3, 0, 2, -1),
    "inverted_residual": (13, *RING, 0, 3, 2, 2, 0, 3, -1, ZEROS, -1, 2, ZEROS, -1, 1, 0, 0)
    + (1, 3, *WEIGHTS, -1, 0, -1, 0, 3, 0, 3, -1, 1, 0),
    "unary": (14, 8, HALF, HALF, 2, 3, 2, 0, 3, -1, 3, 0, 3, -1),
    "binary": (15, 3, 2, 3, 0, 2, 0, 3, -1, 1, 0, 64, 1, -1, 5, 3, 0, 3, -1),
    "reduction": (16, 4, 1, HALF, HALF, 2, 2, 3, 2, 0, 3, -1, 3, 0, 1, -1),
    "softmax": (17, 0, 2, 5, 2, 0, 5, -1, 3, 0, 5, -1),
    "matmul": (18, 2, 3, 4, 5, *HEADS_AT[2], *HEADS_AT[2], 1, HALF, *HEADS_AT[3], 0),
    "select": (19, 2, 3, 0, 2, 0, 3, -1, 0, 2, 64, 3, -1, 1, 2, 128, 1, -1, 3, 0, 3, -1),
    "transpose": (20, 2, 3, 4, *HEADS_AT[2], 1, 0),
}


def plan(words: tuple[int, ...], magic: bytes = b"HVITPN01") -> bytes:
    """Return a plan: header, words, a name, constants."""
    constants = struct.pack("<4i", 0, 15, 1, 0).ljust(ZEROS, b"\0") + bytes(1536)
    body = struct.pack(f"<{len(words)}q", *words) + b"it\0"
    start = -(-(72 + len(body)) // 64) * 64
    sizes = (MEMORY, MEMORY, MEMORY, len(words), 3, start, len(constants))
    header = magic + struct.pack("<8q", version_of(Kind(words[0])), *sizes)
    return (header + body).ljust(start, b"\0") + constants


def main() -> None:
    """Write every seed."""
    CORPUS.mkdir(parents=True, exist_ok=True)
    for name, words in PLANS.items():
        (CORPUS / name).write_bytes(plan(words))
        (CORPUS / f"{name}_half").write_bytes(plan(words, b"HVITPH01"))


if __name__ == "__main__":
    main()
