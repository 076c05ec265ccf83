"""List the cores whose cycles llvm-mca can predict, and what each of them runs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ARM = "aarch64"
X86 = "x86_64"
_MACHINES = {b"\xb7\0": ARM, b"\x3e\0": X86}
"""The field e_machine of the header, little endian."""
_DOT = ("portable", "dotprod", "half_arm")
_V8_6 = (*_DOT, "i8mm", "half_i8mm", "bf16")
_AVX2 = ("avx2", "half_avx2")
_AVX512 = ("avx512", "half_avx512", "avx512_bf16")


@dataclass(frozen=True)
class ModeledCore:
    """Holds a core of which LLVM has a scheduling model.

    Attributes:
        name: name of the core.
        architecture: ARM or X86.
        model: LLVM's name of the model.
        sets: instruction sets that it runs, by the names of our source files.
        features: instructions that LLVM has to accept.
    """

    name: str
    architecture: str
    model: str
    sets: tuple[str, ...]
    features: str = ""

    def runs(self, architecture: str, instruction_set: str) -> bool:
        """Return whether it runs the operators of an object file."""
        return architecture == self.architecture and instruction_set in self.sets


CORES = (
    ModeledCore("Cortex-A53", ARM, "cortex-a53", ("portable",)),
    ModeledCore("Cortex-A55", ARM, "cortex-a55", _DOT, "+dotprod,+fullfp16"),
    ModeledCore("Cortex-A76", ARM, "neoverse-n1", _DOT, "+dotprod,+fullfp16"),
    ModeledCore("Cortex-A510", ARM, "cortex-a510", _V8_6, "+i8mm,+bf16,+fullfp16"),
    ModeledCore("Neoverse N2", ARM, "neoverse-n2", _V8_6, "+i8mm,+bf16,+fullfp16"),
    ModeledCore("Neoverse V2", ARM, "neoverse-v2", _V8_6, "+i8mm,+bf16,+fullfp16"),
    ModeledCore("Zen 3", X86, "znver3", _AVX2),
    ModeledCore("Zen 4", X86, "znver4", (*_AVX2, *_AVX512)),
    ModeledCore("Alder Lake", X86, "alderlake", (*_AVX2, "avx_vnni", "avxvnni")),
    ModeledCore("Sapphire Rapids", X86, "sapphirerapids", _AVX512),
)
"""Cortex-A76 is the core of Neoverse N1. LLVM gives Cortex-A76 itself the model of Cortex-A57, and
Apple's M1 the one of the A7 of 2013; neither is used."""


def architecture_of(file: Path) -> str:
    """Return the architecture of an object file in ELF, or "" for any other file."""
    with file.open("rb") as read:
        head = read.read(20)
    return _MACHINES.get(head[18:20], "") if head[:4] == b"\x7fELF" else ""


def set_of(file_name: str) -> str:
    """Return the instruction set in a file name: "half_avx2" of "operators_half_avx2.cpp.o"."""
    found = re.fullmatch(r"operators_(\w+?)(\.cpp)?\.o(bj)?", file_name)
    return found[1] if found else ""
