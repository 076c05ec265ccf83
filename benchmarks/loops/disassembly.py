"""Find the innermost loops of the functions of an object file.

llvm-objdump disassembles the file. A loop is the code between a backward branch and its target. It
is innermost if it contains no other loop. An unconditional branch or a return inside of it means
that it is no loop: compilers put rare code after a function, and that code branches back. Nothing
depends on the names of functions.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

OBJDUMP = "llvm-objdump-19"
_FUNCTION = re.compile(r"^[0-9a-f]+ <(.+)>:$")
_INSTRUCTION = re.compile(r"^\s*([0-9a-f]+):\s+(\S.*)$")
_TARGET = re.compile(r"0x([0-9a-f]+)(?: <.*>)?$")
_COMMENT = re.compile(r"\s+(?://|#\s).*$")
_BRANCHES = re.compile(r"^(b|b\.\w+|cbn?z|tbn?z|j[a-z]+)$")
_LEAVES = ("b", "br", "ret", "bl", "blr", "jmp", "jmpq", "retq", "call", "callq")
"""Instructions after which the next one is not executed, or only after a function."""


@dataclass(frozen=True)
class Instruction:
    """Holds one instruction.

    Attributes:
        address: its offset in the section.
        text: mnemonic and operands in LLVM's syntax, one space between them.
    """

    address: int
    text: str

    @property
    def mnemonic(self) -> str:
        return self.text.partition(" ")[0]

    @property
    def target(self) -> int | None:
        """Return the address that a branch may continue at, or None for anything else."""
        found = _TARGET.search(self.text) if _BRANCHES.match(self.mnemonic) else None
        return int(found[1], 16) if found else None


@dataclass(frozen=True)
class Loop:
    """Holds an innermost loop: its function's name, and its instructions up to the branch."""

    function: str
    instructions: tuple[Instruction, ...]


def loops_of(file: Path) -> list[Loop]:
    """Return the innermost loops of an object file that call nothing, in the order of the code."""
    command = [OBJDUMP, "-d", "-C", "--no-show-raw-insn", file]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return [loop for name, code in functions(text) for loop in innermost(name, code)]


def functions(text: str) -> Iterator[tuple[str, list[Instruction]]]:
    """Yield the name and the instructions of each function of a disassembly."""
    name, code = "", []
    for line in text.splitlines():
        if found := _FUNCTION.match(line):
            yield from [(name, code)] if code else []
            name, code = short_name(found[1]), []
        elif name and (found := _INSTRUCTION.match(line)):
            words = " ".join(_COMMENT.sub("", found[2]).split())
            code.append(Instruction(int(found[1], 16), words))
    yield from [(name, code)] if code else []


def innermost(name: str, code: list[Instruction]) -> Iterator[Loop]:
    """Yield the loops of one function that contain no loop, no call and no detour."""
    place = {one.address: index for index, one in enumerate(code)}
    ranges = {
        (place[one.target], last)
        for last, one in enumerate(code)
        if one.target in place and place[one.target] <= last
    }
    for first, last in sorted(ranges):
        if any((a, b) != (first, last) and first <= a and b <= last for a, b in ranges):
            continue
        body = tuple(code[first : last + 1])
        if not any(one.mnemonic in _LEAVES for one in body[:-1]):
            yield Loop(name, body)


def short_name(demangled: str) -> str:
    """Return a function's name with its template arguments, without namespaces and parameters."""
    name = re.sub(r"\(anonymous namespace\)::|hvit_edge::native::", "", demangled)
    name = re.sub(r"^(void|float|long) ", "", name)
    depth = 0
    for index, letter in enumerate(name):
        depth += (letter == "<") - (letter == ">")
        if letter == "(" and depth == 0 and index > 0:
            return name[:index]
    return name
