"""Check that the Swift package of mobile/ios compiles the small runtime, and can be given away.

`swift test` runs at the end if there is a Swift compiler. The other tests compare the package with
CMake, whose lists and options it repeats because a manifest cannot read them.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from hvit_edge import __version__

ROOT = Path(__file__).parents[1]
IOS = ROOT / "mobile/ios"
TARGET = IOS / "Sources/CHvitEdge"
RUNTIME = TARGET / "runtime"
KERNELS = sorted((RUNTIME / "kernels").glob("*.cpp"))
MANIFEST = (IOS / "Package.swift").read_text()
CMAKE = (ROOT / "cpp/CMakeLists.txt").read_text()
SCRIPT = IOS / "make_package.sh"


def not_compiled() -> list[str]:
    """Return the paths that the manifest leaves out, from the folder of the runtime."""
    listed = re.search(r"let notCompiled = \[(.*?)\]", MANIFEST, re.DOTALL)[1]
    return [path.removeprefix("runtime/") for path in re.findall(r'"(.*?)"', listed)]


def cmake_list(name: str) -> set[str]:
    """Return the files of a list of cpp/sources.cmake."""
    listed = (ROOT / "cpp/sources.cmake").read_text()
    return set(re.search(rf"set\({name}\s(.*?)\)", listed, re.DOTALL)[1].split())


def included(kernel: Path) -> str:
    """Return the source that a file of runtime/kernels compiles."""
    (source,) = re.findall(r'#include "((?:native|image)/\w+\.cpp)"', kernel.read_text())
    return f"src/{source}"


def compiled() -> list[str]:
    """Return what SwiftPM compiles of src and capi: every source that is not left out."""
    left_out = not_compiled()
    sources = [
        str(path.relative_to(RUNTIME))
        for folder in ("src", "capi")
        for path in (RUNTIME / folder).rglob("*.cpp")
    ]
    kept = [
        path
        for path in sources
        if path not in left_out and not any(path.startswith(f"{folder}/") for folder in left_out)
    ]
    return kept + [included(kernel) for kernel in KERNELS]


def test_the_package_compiles_what_cmake_compiles_for_the_small_runtime():
    capi = (ROOT / "cpp/capi/CMakeLists.txt").read_text()
    listed = re.search(r"hvit_edge_c_objects OBJECT\s(.*?)\)", capi, re.DOTALL)[1].split()
    expected = cmake_list("hvit_edge_shared_sources") | cmake_list("hvit_edge_small_sources")
    assert sorted(compiled()) == sorted(expected | {f"capi/{name}" for name in listed})


def test_what_is_left_out_is_there():
    """SwiftPM only warns about a path that does not exist."""
    missing = [path for path in not_compiled() if not (RUNTIME / path).exists()]
    assert missing == []
    others = [
        str(path.relative_to(RUNTIME))
        for folder in ("src", "capi")
        for path in (RUNTIME / folder).rglob("*")
        if path.is_file() and path.suffix not in (".cpp", ".h")
    ]
    assert set(others) <= set(not_compiled()), "SwiftPM warns about files that it cannot compile"


def expanded(text: str) -> str:
    """Replace the variables in a text by everything that CMake may set or append to them."""
    for name in re.findall(r"\$\{(\w+)\}", text):
        given = re.findall(rf"(?:set\(|list\(APPEND ){name}\s([^)]*)\)", CMAKE)
        text = text.replace(f"${{{name}}}", " ".join(map(expanded, given)))
    return text


def cmake_options() -> dict[str, str]:
    """Return the options of the sources that have some of their own."""
    options = {}
    for call in re.findall(r"set_source_files_properties\((.*?)\)\n", CMAKE, re.DOTALL):
        sources, _, given = call.partition("COMPILE_OPTIONS")
        for source in re.findall(r"src/\S+\.cpp", sources):
            options[source] = expanded(given)
    full = cmake_list("hvit_edge_full_sources")
    return {source: given for source, given in options.items() if source not in full}


def test_every_source_with_options_has_a_file_with_the_same_ones():
    options = cmake_options()
    assert {included(kernel) for kernel in KERNELS} == set(options)
    assert all(source in not_compiled() for source in options)
    for kernel in KERNELS:
        text, given = kernel.read_text(), options[included(kernel)]
        (contract,) = set(re.findall(r"-ffp-contract=(\w+)", given))
        assert f"#pragma clang fp contract({contract})" in text, kernel
        instructions = re.findall(r'target\("(.*?)"\)', text)
        wanted = re.findall(r"-m((?:avx|fma|f16c)[\w]*)", given)
        arm = re.findall(r"-march=armv8\.2-a(\+[\w+]+)", given)
        assert instructions == ([",".join(wanted)] if wanted else arm), kernel


def test_the_instruction_sets_are_known_to_the_kernels():
    """Clang defines these macros for an option, but not for the pragma."""
    for kernel in KERNELS:
        text = kernel.read_text()
        for instructions in re.findall(r'target\("(.*?)"\)', text):
            named = {
                "dotprod": "__ARM_FEATURE_DOTPROD",
                "i8mm": "__ARM_FEATURE_MATMUL_INT8",
                "fp16": "__ARM_FEATURE_FP16_VECTOR_ARITHMETIC",
            }
            parts = re.split(r"[,+]", instructions.strip("+"))
            macros = {named.get(part, f"__{part.upper()}__") for part in parts}
            if "__AVX512F__" in macros:
                macros.add("__AVX2__")
            assert set(re.findall(r"#define (\w+) 1", text)) == macros, kernel


def test_the_version_is_that_of_the_package():
    template = (ROOT / "cpp/cmake/version.h.in").read_text()
    major, minor, patch = __version__.split(".")
    for name, value in {
        "": __version__,
        "_MAJOR": major,
        "_MINOR": minor,
        "_PATCH": patch,
    }.items():
        template = template.replace(f"@PROJECT_VERSION{name}@", value)
    assert (RUNTIME / "generated/hvit_edge/version.h").read_text() == template


def make_package(*arguments: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([SCRIPT, *arguments], capture_output=True, text=True)


@pytest.fixture
def package(tmp_path):
    folder = tmp_path / "package"
    done = make_package(folder)
    assert done.returncode == 0, done.stderr
    assert f"git tag {__version__}" in done.stdout
    return folder


def test_a_package_of_its_own_needs_nothing_of_the_checkout(package):
    assert (package / "Package.swift").read_text() == MANIFEST
    assert not [path for path in package.rglob("*") if path.is_symlink()]
    for source in compiled():
        own = package / "Sources/CHvitEdge/runtime" / source
        assert own.read_text() == (ROOT / "cpp" / source).read_text()
    header = package / "Sources/CHvitEdge/include/hvit_edge/c_api.h"
    assert header.read_text() == (ROOT / "cpp/include/hvit_edge/c_api.h").read_text()
    assert (package / "Tests/HvitEdgeTests/artifacts/tiny_native_v1.pte").is_file()
    assert {path.name for path in package.iterdir()} == {
        "Package.swift", "Sources", "Examples", "Tests", "LICENSE", "README.md", ".gitignore",
    }  # fmt: skip


def test_its_sources_find_their_headers(package):
    runtime = package / "Sources/CHvitEdge/runtime"
    folders = [f"-I{runtime / name}" for name in ("src", "include", "generated")]
    sources = [runtime / "capi/process.cpp", runtime / "src/small/engine.cpp"]
    command = [os.environ.get("CXX", "c++"), "-std=c++17", "-fsyntax-only", *folders, *sources]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_package_is_written_again_and_keeps_other_files(package):
    (package / ".git").mkdir()
    stale = package / "Sources/HvitEdge/Stale.swift"
    stale.touch()
    assert make_package(package).returncode == 0
    assert not stale.exists()
    assert (package / ".git").is_dir()


def test_other_folders_are_refused(tmp_path):
    other = tmp_path / "notes.txt"
    other.touch()
    for arguments, part in [
        ((), "expected one folder, got 0"),
        ((tmp_path, tmp_path), "expected one folder, got 2"),
        ((other,), "expected a folder, got the file"),
        ((tmp_path,), "expected an empty folder or a Swift package, got other files"),
    ]:
        done = make_package(*arguments)
        assert (done.returncode, done.stdout) == (2, "")
        assert part in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_swift_builds_and_tests_the_package(tmp_path):
    if not shutil.which("swift"):
        pytest.skip("no Swift compiler")
    done = subprocess.run([IOS / "test_package.sh"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "with 0 failures" in done.stdout + done.stderr
