"""Count the multiply-adds of A64 and x86-64 instructions."""

from __future__ import annotations

import re
from collections.abc import Iterable

from loops.disassembly import Instruction

_ARRANGED = re.compile(r"\bv\d+\.(\d+)([bhsd])")
_EACH_LANE = ("fmla", "fmls", "mla", "mls", "smlal", "umlal", "smlal2", "umlal2", "fmlal", "fmlal2")
_EACH_LANE_OF_SUMS = {
    **dict.fromkeys(("sdot", "udot", "usdot", "sudot"), 4),
    **dict.fromkeys(("smmla", "ummla", "usmmla"), 8),
    "bfdot": 2,
    "bfmmla": 4,
}
"""Multiply-adds of each 32-bit sum on Arm."""
_SCALAR = ("fmadd", "fmsub", "fnmadd", "fnmsub")
_INPUT_BITS = {
    "vpdpbusd": 8,
    "vpdpbusds": 8,
    "vpdpwssd": 16,
    "vdpbf16ps": 16,
    "vpmaddubsw": 8,
    "vpmaddwd": 16,
}
"""Bits of a factor on x86-64."""
_FUSED = re.compile(r"^vfn?m(?:add|sub)\d{3}([ps])([sdh])$")
_WIDTHS = {"x": 128, "y": 256, "z": 512}
_BITS = {"s": 32, "d": 64, "h": 16}


def multiply_adds(instruction: Instruction) -> int:
    """Return the multiply-adds of one instruction; 0 if it computes none."""
    name = instruction.mnemonic
    if fused := _FUSED.match(name):
        return _width(instruction) // _BITS[fused[2]] if fused[1] == "p" else 1
    if name in _INPUT_BITS:
        return _width(instruction) // _INPUT_BITS[name]
    if name in _SCALAR:
        return 1
    if name not in _EACH_LANE and name not in _EACH_LANE_OF_SUMS:
        return 0
    arranged = _ARRANGED.search(instruction.text)
    lanes = int(arranged[1]) if arranged else 1
    return lanes * _EACH_LANE_OF_SUMS.get(name, 1)


def _width(instruction: Instruction) -> int:
    return max(_WIDTHS[letter] for letter in re.findall(r"%([xyz])mm", instruction.text))


def counted(instructions: Iterable[Instruction]) -> int:
    """Return the multiply-adds of a loop.

    `vpmaddwd` by ones only adds the pairs of a `vpmaddubsw`, and does not count next to it.
    """
    code = list(instructions)
    pairs = any(one.mnemonic == "vpmaddubsw" for one in code)
    return sum(multiply_adds(one) for one in code if not (pairs and one.mnemonic == "vpmaddwd"))
