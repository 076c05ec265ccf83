"""The C++ library and the C interface compile without exceptions and RTTI."""

import json
import shlex
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CORE = ("cpp/src/", "cpp/capi/")
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

    def faults(name: str) -> str:
        call, folder = commands[name]
        done = subprocess.run(call, cwd=folder, capture_output=True, text=True)
        return "" if done.returncode == 0 else f"{name}: {done.stderr}"

    with ThreadPoolExecutor(2) as pool:
        assert [text for text in pool.map(faults, sorted(commands)) if text] == []
