"""Converts to several precisions; a failure is recorded and does not stop the others."""

import json
from pathlib import Path


def convert_each(ways, precisions, stem, suffix, multiply_adds):
    """Write "STEM PRECISION<suffix>" and its JSON for each precision that has none.

    Args:
        ways: `precision -> function(output path)`, which returns how it was made. All of them start
            from "fp32", which is made first.
        precisions: the requested precisions.
        stem: of the files, with their folder.
        suffix: of the models.
        multiply_adds: `function(path)`, which counts those of the written model.
    """
    for precision in dict.fromkeys(["fp32", *precisions]):
        model, report = (Path(f"{stem} {precision}{end}") for end in (suffix, ".json"))
        if report.exists():
            continue
        first = Path(f"{stem} fp32{suffix}")
        try:
            if precision != "fp32" and not first.exists():
                raise RuntimeError("no fp32 to start from")
            method = ways[precision](str(model))
            found = {"method": method, "multiply_adds": int(multiply_adds(str(model)))}
        except Exception as error:  # a converter raises whatever its libraries do
            found = {"error": reason(error)}
        report.write_text(json.dumps(found))


def reason(error):
    """Return the original exception in one line."""
    while error.__cause__ is not None:
        error = error.__cause__
    return f"{type(error).__name__}: {error}".splitlines()[0][:200]
