"""Convert to several precisions; one that fails leaves its reason and not the others undone."""

import json
from pathlib import Path


def convert_each(ways, precisions, stem, suffix, multiply_adds):
    """Write "STEM PRECISION<suffix>" and its JSON for each precision that has none.

    Args:
        ways: `precision -> function(output path)`, which says how it was made. All start from
            "fp32", which is made first.
        precisions: those wanted.
        stem: of the files, with their folder.
        suffix: of the models.
        multiply_adds: `function(path)`, of the written model.
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
    """What it was at first, in one line."""
    while error.__cause__ is not None:
        error = error.__cause__
    return f"{type(error).__name__}: {error}".splitlines()[0][:200]
