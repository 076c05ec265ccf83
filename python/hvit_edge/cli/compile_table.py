"""Describe the artifacts of one compilation for several targets and precisions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hvit_edge.cli import text

HEADER = ("target", "precision", "file", "size", "max rel", "cosine", "seconds", "reused")
LEFT = (0, 1, 2, 7)


def describe_many(model: str, outcomes: Sequence[dict]) -> str:
    """Return a table with a row for each artifact, and the errors of those that failed below.

    Args:
        model: the model as it was named.
        outcomes: what `Outcome.to_dict` returns for each.
    """
    failed = [one for one in outcomes if "error" in one]
    name = next((one["model"] for one in outcomes if "error" not in one), model)
    done = len(outcomes) - len(failed)
    lines = [f"Compiled {name}: {done} of {len(outcomes)} artifacts", ""]
    lines.append(text.table(HEADER, map(_row, outcomes), left=LEFT))
    if failed:
        lines += ["", "Failed:"]
        lines += [f"  {one['target']} {one['precision']}: {one['error']}" for one in failed]
    if done:
        path = next(one["path"] for one in outcomes if "error" not in one)
        lines += ["", "Next:", f"  hvit-edge inspect {path}"]
    return "\n".join(lines)


def _row(outcome: dict) -> tuple[str, ...]:
    named = (outcome["target"], outcome["precision"], Path(outcome["path"]).name)
    if "error" in outcome:
        return (*named, "", "", "", "", "FAILED")
    parity = outcome["parity"]
    return (
        *named,
        text.size(outcome["bytes"]),
        f"{parity['max_rel']:.2e}",
        f"{parity['cosine']:.7f}",
        f"{outcome['seconds']:.1f}",
        ", ".join(outcome["reused"]) or "nothing",
    )
