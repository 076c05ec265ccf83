"""Runs a script in a separate process, so that a crash costs one row of a table."""

from __future__ import annotations

import json
import subprocess
import sys

TIMEOUT = 1800  # seconds


def run_apart(script: str, *arguments: str) -> dict[str, object]:
    """Return the JSON in the last line of a script's output; "error" contains a failure."""
    command = [sys.executable, script, *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT)
    except subprocess.TimeoutExpired:
        return {"error": f"not ready after {TIMEOUT} seconds"}
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:]
        return {"error": f"ended with {done.returncode}: {' '.join(last)}"}
    return json.loads(done.stdout.splitlines()[-1])
