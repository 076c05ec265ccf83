"""Run one model in one runtime on request: the other end of measure/workers.py.

    worker.py '{"runtime": ..., "model": ..., "inputs": NPZ, "outputs": NPY, "threads": 2,
                "options": {...}}'

NPZ contains float32 images "arr_0" and so on, each [1, 3, H, W]. The first line on stdout describes
the load, and NPY then contains the outputs [images, numbers]. Each line on stdin, `{"runs": 10,
"warmup": 2}`, is answered with the milliseconds of every run. Only JSON goes to stdout.
"""

import ctypes
import importlib
import json
import os
import signal
import sys
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np
from each_precision import reason
from runtimes import RUNTIMES

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def end_with_parent():
    """End with the parent: a worker that is stopped would otherwise outlive a killed harness."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def private_stdout():
    """Return the pipe to the harness; the output of libraries goes to stderr."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    return answers


def memory_mib(field):
    """Return VmRSS or VmHWM of this process, or None if the system does not report it."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    found = [line for line in lines if line.startswith(f"{field}:")]
    return int(found[0].split()[1]) / 1024 if found else None


def milliseconds(function):
    """Return the result of `function`, and its time."""
    start = time.perf_counter()
    result = function()
    return result, (time.perf_counter() - start) * 1e3


def start(task):
    """Load, run once, and answer every image; return the runtime and a description."""
    kind = RUNTIMES[task["runtime"]]
    _, import_ms = milliseconds(lambda: [importlib.import_module(name) for name in kind.MODULES])
    imported_mib = memory_mib("VmRSS")
    runtime, load_ms = milliseconds(
        lambda: kind(task["model"], threads=task["threads"], **task["options"])
    )
    with np.load(task["inputs"]) as archive:
        images = [archive[name] for name in archive.files]
    runtime.set_input(images[0])
    _, first_ms = milliseconds(runtime.run)
    np.save(task["outputs"], answers(runtime, images))
    return runtime, {
        "package": f"{kind.PACKAGE} {version(kind.PACKAGE)}",
        "import_ms": import_ms,
        "load_ms": load_ms,
        "first_ms": first_ms,
        "imported_mib": imported_mib,
        "peak_mib": memory_mib("VmHWM"),
    }


def answers(runtime, images):
    """Return the outputs [images, numbers]."""
    rows = []
    for image in images:
        runtime.set_input(image)
        runtime.run()
        rows.append(np.asarray(runtime.output(), np.float32).reshape(1, -1).copy())
    return np.concatenate(rows)


def main(task):
    """Answer until stdin ends."""
    end_with_parent()
    stdout = private_stdout()
    try:
        runtime, ready = start(json.loads(task))
        print(json.dumps(ready), file=stdout)
        for line in sys.stdin:
            turn = json.loads(line)
            for _ in range(turn["warmup"]):
                runtime.run()
            ms = [milliseconds(runtime.run)[1] for _ in range(turn["runs"])]
            print(json.dumps({"ms": ms}), file=stdout)
    except Exception as error:  # each runtime raises exceptions of its own
        print(json.dumps({"error": reason(error)}), file=stdout)
        raise


if __name__ == "__main__":
    main(*sys.argv[1:])
