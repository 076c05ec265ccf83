"""Real artifacts, each compiled once by the command line in a separate process."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Compiled:
    """Holds the artifact and the output of its compilation."""

    path: Path
    report: dict
    stderr: str

    def __str__(self):
        return str(self.path)


def hvit_edge(*arguments):
    """Run the command line in a separate process."""
    return subprocess.run(
        [sys.executable, "-m", "hvit_edge.cli", *(str(argument) for argument in arguments)],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="session")
def compiled(once):
    """`(name, *options) -> Compiled`: the bundled classifier; one process for all workers."""

    def make(name, *options):
        def fill(folder):
            command = ["compile", "mobilevit_xxs", "--weights", "cifar10", "--format", "json"]
            done = hvit_edge(*command, "-o", folder / name, *options)
            assert done.returncode == 0, done.stderr
            (folder / "stdout").write_text(done.stdout)
            (folder / "stderr").write_text(done.stderr)

        folder = once(f"cli-{name}", fill)
        report = json.loads((folder / "stdout").read_text())
        return Compiled(folder / name, report, (folder / "stderr").read_text())

    return make


@pytest.fixture(scope="session")
def artifact(compiled):
    """10 classes of CIFAR-10 at 64 x 64 pixels."""
    return compiled("cifar.pte")


@pytest.fixture(scope="session")
def package(compiled):
    """Return the same classifier as a Core ML package."""
    return compiled("cifar.mlpackage", "--target", "coreml")


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
