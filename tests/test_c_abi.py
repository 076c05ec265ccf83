"""The C interface keeps what apps were compiled against: `cpp/capi/abi_0.1.0.txt`.

A struct with `struct_size` may grow at its end; any other keeps its size. Values and declarations
of functions stay as they are. `python tests/test_c_abi.py` prints the file of a new release.
"""

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HEADER = ROOT / "cpp/include/hvit_edge/c_api.h"
RELEASED = sorted((ROOT / "cpp/capi").glob("abi_*.txt"))


def declarations() -> tuple[dict[str, list[str]], list[str], list[str]]:
    """Return the fields of each struct, the enumerators and the functions of the header."""
    text = re.sub(r"/\*.*?\*/", "", HEADER.read_text(), flags=re.S)
    text = re.sub(r"^\s*#.*(?:\\\n.*)*$", "", text, flags=re.M)
    structs = {
        name: re.findall(r"(\w+)(?:\[\d+\])?;", body)
        for body, name in re.findall(r"typedef struct \w+ \{(.*?)\} (\w+);", text, re.S)
    }
    bodies = re.findall(r"enum (?:\w+ )?\{(.*?)\}", text, re.S)
    values = [name for body in bodies for name in re.findall(r"\b(HVE_\w+)", body)]
    calls = re.findall(r"^HVE_API\s+([^;]+\([^;]*\));", text, re.M)
    return structs, values, [" ".join(call.split()) for call in calls]


def facts() -> list[str]:
    """Return a line for each size, offset, value and function, as the compiler has it."""
    structs, values, calls = declarations()
    shown = [f'printf("value {name} %d\\n", (int){name});' for name in dict.fromkeys(values)]
    for name, fields in structs.items():
        shown.append(f'printf("size {name} %zu\\n", sizeof({name}));')
        shown += [
            f'printf("offset {name}.{field} %zu\\n", offsetof({name}, {field}));'
            for field in fields
        ]
    program = "\n".join(
        ["#include <stddef.h>", "#include <stdio.h>", '#include "hvit_edge/c_api.h"']
        + ["int main(void) {", *shown, "return 0;", "}"]
    )
    with tempfile.TemporaryDirectory() as folder:
        source, binary = Path(folder, "abi.c"), Path(folder, "abi")
        source.write_text(program)
        include = ROOT / "cpp/include"
        subprocess.run(["cc", "-std=c99", f"-I{include}", source, "-o", binary], check=True)
        printed = subprocess.run([binary], check=True, capture_output=True, text=True).stdout
    return printed.splitlines() + [f"function {call}" for call in calls]


def broken(before: list[str], now: list[str]) -> list[str]:
    """Return the lines of a release that no longer hold."""
    growing = {line.split()[1].split(".")[0] for line in before if ".struct_size " in line}
    sizes = {line.split()[1]: int(line.split()[2]) for line in now if line.startswith("size ")}

    def holds(line: str) -> bool:
        kind, name, *rest = line.split()
        if kind == "size" and name in growing:
            return sizes.get(name, 0) >= int(rest[0])
        return line in now

    return [line for line in before if not holds(line)]


@pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")
def test_nothing_that_was_released_has_changed():
    assert RELEASED
    now = facts()
    assert len(now) >= 150
    for release in RELEASED:
        assert broken(release.read_text().splitlines(), now) == [], release.name


def test_what_breaks_an_app_is_found():
    before = [
        "size a 16",
        "offset a.struct_size 0",
        "size b 8",
        "value V 1",
        "function void f(int)",
    ]
    grown = ["size a 24", "offset a.struct_size 0", *before[2:]]
    assert broken(before, grown) == []
    assert broken(before, ["size a 8", *before[1:]]) == ["size a 16"]
    assert broken(before, [*before[:2], "size b 16", *before[3:]]) == ["size b 8"]
    assert broken(before, before[:-1] + ["function void f(long)"]) == before[-1:]
    assert broken(before, before[:3] + ["value V 2", before[4]]) == ["value V 1"]


if __name__ == "__main__":
    print("\n".join(facts()))
