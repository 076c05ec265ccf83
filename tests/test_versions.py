"""hvit-edge has one version, in `hvit_edge/__init__.py`, and one list of pins, constraints.txt.

Whatever can read them does. What follows are the files that must spell one out.
"""

import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from scikit_build_core.metadata import regex

from hvit_edge import __version__, doctor
from hvit_edge.runtime import binding

ROOT = Path(__file__).parents[1]
PINS = dict(re.findall(r"^([\w-]+)==([^;\s]+)", (ROOT / "constraints.txt").read_text(), re.M))
PYPROJECT = (ROOT / "pyproject.toml").read_text()


def test_the_wheel_has_the_version_of_the_package():
    (source,) = re.findall(r'^metadata\.version\.input = "(.+)"$', PYPROJECT, re.M)
    assert regex.dynamic_metadata("version", {"input": str(ROOT / source)}) == __version__
    assert 'dynamic = ["version"]' in PYPROJECT
    assert not re.search(r"^version\s*=", PYPROJECT, re.M)


def configured_version(init: str, folder: Path) -> subprocess.CompletedProcess:
    """Run what CMakeLists.txt includes, beside an `__init__.py` that contains `init`."""
    package = folder / "python/hvit_edge"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(init)
    (folder / "cmake").mkdir()
    shutil.copy(ROOT / "cmake/read_version.cmake", folder / "cmake")
    (folder / "show.cmake").write_text(
        "include(${CMAKE_CURRENT_LIST_DIR}/cmake/read_version.cmake)\n"
        'message("version ${hvit_edge_version}")\n'
    )
    cmake = Path(sysconfig.get_path("scripts")) / "cmake"
    return subprocess.run(
        [cmake, "-P", folder / "show.cmake"], capture_output=True, text=True, check=False
    )


def test_cmake_has_the_version_of_the_package(tmp_path):
    init = (ROOT / "python/hvit_edge/__init__.py").read_text()
    assert configured_version(init, tmp_path).stderr == f"version {__version__}\n"
    assert "project(hvit_edge VERSION ${hvit_edge_version}" in (ROOT / "CMakeLists.txt").read_text()


def test_cmake_refuses_a_version_without_three_numbers(tmp_path):
    done = configured_version('__version__ = "next"\n', tmp_path)
    assert done.returncode != 0
    assert "[hvit-edge] expected __version__" in " ".join(done.stderr.split())


def test_android_reads_the_version():
    """Once, for the sample and for the library that is published."""
    android = ROOT / "mobile/android"
    script = (android / "build.gradle.kts").read_text()
    (source,) = re.findall(r'rootDir\.resolve\("(.+)"\)', script)
    (pattern,) = re.findall(r'Regex\("""(.+)"""\)', script)
    assert re.search(pattern, (android / source).read_text())[1] == __version__
    for project, use in (("sample", "versionName"), ("hvit-edge", "version")):
        text = (android / project / "build.gradle.kts").read_text()
        assert "val hvitEdgeVersion: String by rootProject.extra\n" in text
        assert f" {use} = hvitEdgeVersion\n" in text


def test_the_ios_sample_shows_the_version():
    """A Swift playground's manifest may read no other file."""
    manifest = (ROOT / "mobile/ios/sample/HvitEdgeCamera.swiftpm/Package.swift").read_text()
    assert re.findall(r'displayVersion: "(.+)"', manifest) == [__version__]


def test_the_package_demands_the_pins():
    spelled = re.findall(r'"([\w-]+)==([^"]+)"', PYPROJECT)
    assert {name for name, _ in spelled} == {"executorch", "torch", "coremltools"}
    for name, version in spelled:
        assert version == PINS[name], name


def test_doctor_expects_the_pins():
    """It must know them where the package's metadata are gone."""
    assert PINS["executorch"] == doctor.EXECUTORCH == binding.EXECUTORCH
    assert PINS["torch"] == doctor.TORCH


def test_the_environments_of_peers_have_the_same_torch():
    """Their other packages are their own, so they cannot be installed under constraints.txt."""
    files = sorted((ROOT / "benchmarks/peers").glob("*.txt"))
    spelled = [re.findall(r"^torch==(.+)$", file.read_text(), re.M) for file in files]
    assert sorted(spelled) == [[], *[[PINS["torch"]]] * 3]


def test_cpp_names_the_pinned_executorch():
    sources = [*ROOT.glob("cpp/src/**/*.cpp"), *ROOT.glob("cpp/src/**/*.h")]
    spelled = [re.findall(r"executorch==([\d.]+)", file.read_text()) for file in sources]
    assert {version for versions in spelled for version in versions} == {PINS["executorch"]}
    minor = PINS["executorch"].rpartition(".")[0]
    find = (ROOT / "cpp/cmake/find_executorch.cmake").read_text()
    assert f"set(hvit_edge_executorch {minor} COMPONENTS" in find
    ios = (ROOT / "mobile/ios/cmake/executorch-config-version.cmake").read_text()
    assert f"set(PACKAGE_VERSION {minor})" in ios


def test_nothing_else_states_a_version():
    """A version in a build file that none of the tests above knows would be forgotten."""
    patterns = ("*.txt", "*.cmake", "*.kts", "*.toml", "*.swift", "*.sh", "*.mk", "Makefile")
    tracked = subprocess.run(
        ["git", "ls-files", *patterns], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    stating = [name for name in tracked if f'"{__version__}"' in (ROOT / name).read_text()]
    assert stating == [
        "mobile/ios/Sources/HvitEdge/Classifier.swift",  # an example, in a comment
        "mobile/ios/sample/HvitEdgeCamera.swiftpm/Package.swift",
    ]


def test_the_command_prints_the_version():
    done = subprocess.run(
        [sys.executable, "-m", "hvit_edge.cli", "--version"], capture_output=True, text=True
    )
    assert done.stdout == f"hvit-edge {__version__}\n", done.stderr
