"""One real artifact, compiled once by the command line in a process of its own."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Compiled:
    """The artifact, and what its compilation printed."""

    path: Path
    report: dict
    stderr: str

    def __str__(self):
        return str(self.path)


def hvit_edge(*arguments):
    """Run the command line in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "hvit_edge.cli", *(str(argument) for argument in arguments)],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="session")
def artifact(tmp_path_factory):
    """The bundled classifier: 10 classes of CIFAR-10 at 64 x 64 pixels."""
    path = tmp_path_factory.mktemp("artifact") / "cifar.pte"
    done = hvit_edge(
        "compile", "mobilevit_xxs", "--weights", "cifar10", "-o", path, "--format", "json"
    )
    assert done.returncode == 0, done.stderr
    return Compiled(path, json.loads(done.stdout), done.stderr)


@pytest.fixture(scope="session")
def package(tmp_path_factory):
    """The same classifier as a Core ML package."""
    path = tmp_path_factory.mktemp("package") / "cifar.mlpackage"
    options = ["--target", "coreml", "-o", path, "--format", "json"]
    done = hvit_edge("compile", "mobilevit_xxs", "--weights", "cifar10", *options)
    assert done.returncode == 0, done.stderr
    return Compiled(path, json.loads(done.stdout), done.stderr)


@pytest.fixture(scope="session")
def photo():
    """A bundled photo of a cat."""
    from hvit_edge import preprocess

    return Path(preprocess.__file__).parent / "assets" / "photos" / "chelsea.jpg"


@pytest.fixture
def truncated(artifact, tmp_path):
    """The artifact without its last hundred bytes."""
    path = tmp_path / "truncated.pte"
    path.write_bytes(artifact.path.read_bytes()[:-100])
    return path
