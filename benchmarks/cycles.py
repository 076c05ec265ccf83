"""Predict the cycles of our innermost loops on cores that LLVM has a model of.

    python benchmarks/cycles.py [FOLDER...]

It reads the object files operators_*.o of build trees, which are build/arm and build/native if no
FOLDER is given. Of each function it takes the innermost loop with the most multiply-adds per
instruction, or with the most vector instructions if there are none. llvm-mca predicts the cycles of
an iteration (`loops/llvm_mca.py`). On Debian it is in the package llvm-19. It writes
results/cycles.json.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

from loops.cores import CORES, ModeledCore, architecture_of, set_of
from loops.disassembly import Instruction, Loop, loops_of
from loops.llvm_mca import PROGRAM, peak, predict, without_loads
from loops.multiply_adds import counted
from measure.machine import describe_machine

ROOT = Path(__file__).resolve().parent.parent
RESULTS = Path(__file__).parent / "results" / "cycles.json"
TREES = (ROOT / "build" / "arm" / "cpp", ROOT / "build" / "native" / "cpp")
LEAST_VECTORS = 4
"""Loops with fewer vector instructions move data or count."""
_VECTOR = re.compile(r"\bv\d+\.\d|%[xyz]mm")
_JOB = re.compile(r"&(?:\(?void )?(\w+)")


def main() -> None:
    """Write one row for each function of each instruction set."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", type=Path, nargs="*", default=TREES)
    args = parser.parse_args()
    rows = [row for found in objects(args.folders).items() for row in measure(*found)]
    report = {"machine": describe_machine(()), "llvm": llvm_version(), "rows": rows}
    RESULTS.write_text(json.dumps(report, indent=1) + "\n")
    print(f"{len(rows)} loops in {RESULTS.name}")


def objects(folders: Iterable[Path]) -> dict[Path, list[ModeledCore]]:
    """Return the newest object file of each instruction set, and the cores that run it.

    Raises:
        SystemExit: there is none.
    """
    found = [file for folder in folders for file in folder.rglob("operators_*.o")]
    newest = {
        (architecture_of(file), set_of(file.name)): file
        for file in sorted(found, key=lambda file: file.stat().st_mtime)
    }
    runs = {newest[key]: [core for core in CORES if core.runs(*key)] for key in sorted(newest)}
    known = {file: cores for file, cores in runs.items() if cores}
    if not known:
        raise SystemExit(
            f"[cycles] expected operators_*.o in {', '.join(map(str, folders))}, got none; run"
            " make arm"
        )
    return known


def measure(file: Path, cores: Sequence[ModeledCore]) -> list[dict[str, object]]:
    """Return the rows of one object file, with the prediction for each core that runs it."""
    chosen = densest(loops_of(file))
    bodies = [loop.instructions for loop in chosen.values()]
    if not bodies:
        return []  # the source is for another architecture
    predicted: dict[str, dict[str, object]] = {name: {} for name in chosen}
    for core in cores:
        whole, loaded = predict(core, bodies), predict(core, map(without_loads, bodies))
        for name, body, one, fed in zip(chosen, bodies, whole, loaded, strict=True):
            predicted[name][core.name] = {
                "cycles": one.cycles,
                "bound": one.bound,
                "without_loads": fed.cycles,
                "peak": peak(core, body),
            }
    return [
        {
            "architecture": architecture_of(file),
            "set": set_of(file.name),
            "function": name,
            "loop_of": loop.function,
            "instructions": len(loop.instructions),
            "vectors": vectors(loop.instructions),
            "multiply_adds": counted(loop.instructions),
            "cores": predicted[name],
        }
        for name, loop in chosen.items()
    ]


def densest(loops: Iterable[Loop]) -> dict[str, Loop]:
    """Return the loop of each function that does the most work per instruction.

    Instances of a template count as one function.
    """
    best: dict[str, Loop] = {}
    for loop in loops:
        if vectors(loop.instructions) < LEAST_VECTORS:
            continue
        name = function_of(loop.function)
        if name not in best or density(loop.instructions) > density(best[name].instructions):
            best[name] = loop
    return best


def density(body: Sequence[Instruction]) -> tuple[float, float]:
    """Return the multiply-adds and the vector instructions of a loop, per instruction."""
    return counted(body) / len(body), vectors(body) / len(body)


def vectors(body: Sequence[Instruction]) -> int:
    """Return the number of instructions that have a vector as an operand."""
    return sum(bool(_VECTOR.search(one.text)) for one in body)


def function_of(name: str) -> str:
    """Return "soften_row" for "run_rows<Softmax, &soften_row>", "multiply" for "multiply<6>"."""
    job = _JOB.search(name)
    return job[1] if job else name.partition("<")[0]


def llvm_version() -> str:
    """Return such as "19.1.7"."""
    text = subprocess.run([PROGRAM, "--version"], capture_output=True, text=True, check=True).stdout
    return re.search(r"LLVM version ([\d.]+)", text)[1]


if __name__ == "__main__":
    main()
