"""Check both ends of a worker: stand-ins with its protocol, and ours with a small artifact."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

TINY = Path(__file__).parents[2] / "cpp/tests/data/tiny_v1.pte"
READY = "import json, sys; print(json.dumps({'load_ms': 1}), flush=True); "
ECHO = READY + (
    "[print(json.dumps({'ms': [t['warmup']] * t['runs']}), flush=True)"
    " for t in map(json.loads, sys.stdin)]"
)


@pytest.fixture
def workers(load):
    return load("measure/workers.py")


@pytest.fixture
def started(workers):
    """Return `code -> Worker` for a stand-in; all of them are ended."""
    running = []

    def start(code, **limits):
        running.append(workers.Worker([sys.executable, "-c", code], **limits))
        return running[-1]

    yield start
    for worker in running:
        worker.close()


def state(worker):
    """Return the state of the process; T means stopped, see proc(5)."""
    stat = Path(f"/proc/{worker._process.pid}/stat").read_text()
    return stat.rpartition(")")[2].split()[0]


def test_a_worker_takes_turns_and_is_stopped_between_them(started):
    worker = started(ECHO)
    assert worker.ready == {"load_ms": 1}
    assert worker.turn(runs=3, warmup=2) == [2, 2, 2]
    if sys.platform == "linux":
        assert state(worker) == "T"
    assert worker.turn(runs=1, warmup=5) == [5]


def test_a_stopped_worker_can_be_ended(started):
    worker = started(ECHO)
    worker.close()
    assert worker._process.returncode == -9


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ('print(\'{"error": "no such operator"}\')', "no such operator"),
        ("import sys; sys.exit('cannot load')", r"ended with status 1 \(cannot load\)"),
        ("import os; os.abort()", r"ended with status -6 \(no message\)"),
    ],
)
def test_who_does_not_load_says_why(started, workers, code, reason):
    with pytest.raises(workers.WorkerError, match=reason):
        started(code)


def test_who_dies_in_a_turn_says_why(started, workers):
    worker = started(READY + "sys.stdin.readline(); sys.exit('out of memory')")
    with pytest.raises(workers.WorkerError, match="out of memory"):
        worker.turn(runs=1, warmup=0)
    with pytest.raises(workers.WorkerError):  # and stays so
        worker.turn(runs=1, warmup=0)


def test_who_never_answers_is_ended(started, workers):
    with pytest.raises(workers.WorkerError, match="expected an answer within 0.5 s"):
        started("import signal; signal.pause()", ready_seconds=0.5)


def test_all_are_closed_after_an_error(workers):
    with pytest.raises(KeyError), workers.closing_all({}) as running:
        running["a"] = workers.Worker([sys.executable, "-c", ECHO])
        raise KeyError
    assert running["a"]._process.returncode == -9


@pytest.fixture
def task(tmp_path):
    """Return the task of a worker, with two images of the size of the artifact's input."""
    from hvit_edge.runtime import Session

    random = np.random.default_rng(0)
    shape = Session(TINY).inputs[0].shape
    images = [random.standard_normal(shape, dtype=np.float32) for _ in range(2)]
    np.savez(tmp_path / "inputs.npz", *images)
    return images, {
        "model": str(TINY),
        "inputs": str(tmp_path / "inputs.npz"),
        "outputs": str(tmp_path / "outputs.npy"),
        "threads": 1,
        "options": {},
    }


def test_our_worker_answers_as_the_runtime_does(workers, task):
    from hvit_edge.runtime import Session

    images, told = task
    worker = workers.Worker(workers.worker_command(sys.executable, "hvit-edge", **told))
    try:
        assert len(worker.turn(runs=4, warmup=1)) == 4
        assert worker.ready["package"].startswith("hvit-edge ")
        assert worker.ready["peak_mib"] >= worker.ready["imported_mib"] > 0
    finally:
        worker.close()
    session = Session(TINY, threads=1)
    expected = np.concatenate([session(image)[0] for image in images])
    np.testing.assert_array_equal(np.load(told["outputs"]), expected)


def test_a_missing_package_is_the_reason(workers, task):
    command = workers.worker_command(sys.executable, "openvino", **task[1])
    with pytest.raises(workers.WorkerError, match="No module named 'openvino'"):
        workers.Worker(command)


def test_the_standard_output_is_the_harness_s_alone(load, tmp_path):
    """Check that libraries that print on stdout do not break the protocol."""
    code = (
        "import sys, json; sys.path.insert(0, sys.argv[1]); import os, worker;"
        "answers = worker.private_stdout(); os.write(1, b'noise\\n'); print('more', flush=True);"
        "print(json.dumps({'ms': []}), file=answers)"
    )
    import subprocess

    peers = Path(__file__).parents[2] / "benchmarks/peers"
    done = subprocess.run([sys.executable, "-c", code, peers], capture_output=True, text=True)
    assert json.loads(done.stdout) == {"ms": []}
    assert done.stderr.split() == ["noise", "more"]
