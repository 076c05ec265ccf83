"""The C++ library and the C interface compile without exceptions and RTTI."""

import json
import shlex
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CORE = ("cpp/src/", "cpp/capi/")
TREES = ("native", "small")
WITHOUT = ["-fno-exceptions", "-fno-rtti", "-fsyntax-only", "-O0"]


def core_commands(commands: Path) -> dict[str, tuple[list[str], str]]:
    """File -> the compiler's call, and where it was made."""
    found = {}
    for entry in json.loads(commands.read_text()):
        name = str(Path(entry["file"]).relative_to(ROOT))
        if name.startswith(CORE):
            arguments = shlex.split(entry["command"])
            output = arguments.index("-o")
            del arguments[output : output + 2]
            found[name] = ([*arguments, *WITHOUT], entry["directory"])
    return found


def same_in(known: dict[str, tuple[list[str], str]], name: str, call: list[str], tree: str) -> bool:
    """Return True if another tree, all of whose files are compiled, has the same call."""
    if name not in known:
        return False
    other, folder = known[name]
    return [part.replace(folder, tree) for part in other] == call


@pytest.mark.slow
@pytest.mark.parametrize(
    "tree, own", [("native", "executorch/engine.cpp"), ("small", "small/engine.cpp")]
)
def test_the_core_needs_neither(tree, own):
    file = ROOT / "build" / tree / "compile_commands.json"
    if not file.exists():
        pytest.skip(f"{file} is not there; make test-cpp")
    commands = core_commands(file)
    expected = {f"cpp/src/{own}", "cpp/src/stream/frame_worker.cpp", "cpp/capi/boundary.cpp"}
    assert expected <= set(commands)
    if tree != TREES[0]:  # most files are the same, and the first test compiles them
        first = ROOT / "build" / TREES[0] / "compile_commands.json"
        known = core_commands(first) if first.exists() else {}
        commands = {
            name: (call, folder)
            for name, (call, folder) in commands.items()
            if not same_in(known, name, call, folder)
        }
        assert f"cpp/src/{own}" in commands

    def faults(name: str) -> str:
        call, folder = commands[name]
        done = subprocess.run(call, cwd=folder, capture_output=True, text=True)
        return "" if done.returncode == 0 else f"{name}: {done.stderr}"

    with ThreadPoolExecutor(2) as pool:
        assert [text for text in pool.map(faults, sorted(commands)) if text] == []
