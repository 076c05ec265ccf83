"""Predict the cycles of loops by llvm-mca, LLVM's analyzer of machine code.

It assumes that loads hit the first cache, that branches are predicted, and that stores do not alias
loads. It knows a core by the scheduling model with which LLVM compiles for it.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from loops.cores import ARM, X86, ModeledCore
from loops.disassembly import Instruction
from loops.multiply_adds import counted, multiply_adds

PROGRAM = "llvm-mca-19"
ITERATIONS = 200
_TRIPLES = {ARM: "aarch64-linux-gnu", X86: "x86_64-linux-gnu"}
_LOADS = re.compile(
    r"^(ld[rp]\w*|ld[1-4]r?|v?mov[au]p[sd]|vmovdq[au]\d*|vbroadcast\w+|vpbroadcast\w+)"
)
_ADVANCING_STORE = re.compile(r"(st[rp]\w* .*\[(\w+))(?:, (#\S+)\]!|\], (#\S+))$")


@dataclass(frozen=True)
class Prediction:
    """Holds what the model of a core says of a loop.

    Attributes:
        cycles: cycles of an iteration.
        bound: cycles of an iteration if no instruction waited for the result of another one.
    """

    cycles: float
    bound: float


def predict(core: ModeledCore, loops: Iterable[Sequence[Instruction]]) -> list[Prediction]:
    """Return the prediction for each loop, given as its instructions.

    Raises:
        ValueError: llvm-mca does not know an instruction.
    """
    text = "".join(_region(index, loop) for index, loop in enumerate(loops))
    features = [f"-mattr={core.features}"] if core.features else []
    options = [f"-mtriple={_TRIPLES[core.architecture]}", f"-mcpu={core.model}", *features]
    command = [PROGRAM, *options, f"-iterations={ITERATIONS}", "-json", "-"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ValueError(f"[cycles] {core.name}: {done.stderr[-500:]}")
    return [_read(region["SummaryView"]) for region in json.loads(done.stdout)["CodeRegions"]]


def _region(index: int, loop: Sequence[Instruction]) -> str:
    lines = (_source(one) for one in loop)
    return "\n".join([f"# LLVM-MCA-BEGIN {index}", *lines, f"# LLVM-MCA-END {index}", ""])


def _source(one: Instruction) -> str:
    """Return an instruction for the assembler; where a branch goes does not matter.

    A store that also advances its address becomes a store and an addition. Cores compute the
    address without waiting for the stored value, which llvm-mca does not know.
    """
    text = re.sub(r" <.*>$", "", one.text)
    if one.target is not None:
        return re.sub(r"0x[0-9a-f]+$", "elsewhere", text)
    if advancing := _ADVANCING_STORE.match(text):
        store, base, before, after = advancing.groups()
        step = before or after
        sign = "sub" if step.startswith("#-") else "add"
        advance = f"{sign} {base}, {base}, {step.replace('-', '')}"
        return "\n".join([advance, store + "]"] if before else [store + "]", advance])
    return text


def _read(summary: dict) -> Prediction:
    return Prediction(summary["TotalCycles"] / summary["Iterations"], summary["BlockRThroughput"])


def without_loads(loop: Sequence[Instruction]) -> list[Instruction]:
    """Return a loop whose operands are in registers from the beginning."""
    return [one for one in loop if not is_load(one)]


def is_load(one: Instruction) -> bool:
    """Return whether an instruction only loads, as opposed to computing with what it loads."""
    destination = one.text.rpartition(", ")[2]
    return bool(_LOADS.match(one.mnemonic)) and not (one.mnemonic[0] == "v" and "(" in destination)


def peak(core: ModeledCore, loop: Sequence[Instruction]) -> float:
    """Return the multiply-adds a cycle of independent copies of the loop's most frequent one."""
    forms = Counter(_form(one) for one in loop if multiply_adds(one))
    if not forms:
        return 0.0
    most = forms.most_common(1)[0][0]
    alone = independent(next(one for one in loop if _form(one) == most))
    (found,) = predict(core, [alone])
    return counted(alone) / found.cycles


def _form(one: Instruction) -> str:
    """Return mnemonic and kinds of registers, without their numbers."""
    kinds = re.findall(r"%[xyz]mm|\bv\d+(\.\w+)", one.text)
    return " ".join([one.mnemonic, *(re.findall(r"%[xyz]mm", one.text)[-1:] or kinds)])


def independent(one: Instruction) -> list[Instruction]:
    """Return copies of a multiply-add that write to registers of their own.

    They read the same two registers, and none of them waits for another one.
    """
    if widths := re.findall(r"%([xyz])mm", one.text):
        w = widths[-1]
        copies = [f"{one.mnemonic} %{w}mm14, %{w}mm15, %{w}mm{i}" for i in range(14)]
    else:
        _, first, second, third = re.split(r"v\d+", one.text)  # what follows each register
        copies = [
            f"{one.mnemonic} v{i}{first}v14{second}v15{third}"
            for i in range(30)
            if i not in (14, 15)
        ]
    return [Instruction(index, text) for index, text in enumerate(copies)]
