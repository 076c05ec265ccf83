"""Ctrl-C ends a compilation at once, with exit code 130 and without a file."""

import signal
import subprocess
import sys

import pytest

COMMAND = [sys.executable, "-m", "hvit_edge.cli", "compile", "mobilevit_xxs"]
NATIVE = ["--weights", "cifar10", "--no-cache", "--target", "native"]
PACKAGE = ["--weights", "cifar10", "--no-cache", "--target", "coreml"]


def listen_to_interrupts() -> None:
    """Undo that a shell makes processes in the background ignore Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def interrupted(options: list[str], step: str, folder) -> tuple[int, list[str]]:
    """Interrupt a compilation when it says that `step` begins; return its code and last lines."""
    process = subprocess.Popen(
        [*COMMAND, *options],
        cwd=folder,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=listen_to_interrupts,
    )
    with process:
        for line in process.stderr:
            if line == f"{step} ...\n":
                process.send_signal(signal.SIGINT)
                break
        rest = process.stderr.read()
        assert process.stdout.read() == ""
    return process.returncode, rest.splitlines()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "step"),
    [(NATIVE, "export"), (NATIVE, "write"), (PACKAGE, "convert")],
)
def test_the_first_interrupt_ends_it(options, step, tmp_path):
    code, lines = interrupted(options, step, tmp_path)
    assert lines[-1] == "error: [hvit-edge] interrupted"
    assert code == 130
    assert list(tmp_path.iterdir()) == []
