"""Read optional text metadata of a program that the C++ runtime does not use. Imports no torch."""

from __future__ import annotations

import mmap
import struct
from collections.abc import Mapping
from pathlib import Path

from hvit_edge.artifact.flatbuffer import Table, root
from hvit_edge.artifact.methods import field_of
from hvit_edge.errors import ArtifactError

# Field numbers of ExecuTorch's flatbuffer schema (exir/_serialize/program.fbs, identifier ET12).
EXECUTION_PLAN = 1
PLAN_NAME, PLAN_VALUES = 0, 2
VALUE_TYPE, VALUE = 0, 1
STRING = 6  # number of `String` in the union `KernelTypes`
TEXT = 0


def read_text(path: str | Path, names: Mapping[str, str], of: str = "") -> dict[str, str]:
    """Read constant methods that return text.

    Args:
        path: a program that the runtime has loaded, so its seal is valid.
        names: names of the results, and the name of the method of each.
        of: the method of the artifact whose fields are read, see `methods.field_of`.

    Returns:
        The text of each; empty if the program does not have the method.

    Raises:
        ArtifactError: a method does not return text.
    """
    with (
        Path(path).open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data,
    ):
        try:
            plans = {p.string(PLAN_NAME): p for p in root(data).tables(EXECUTION_PLAN)}
            found = {k: plans.get(field_of(name, of), plans.get(name)) for k, name in names.items()}
            return {key: _text(plan) for key, plan in found.items()}
        except (struct.error, IndexError, ValueError) as error:
            raise ArtifactError(
                f"[Session.load] expected text in {', '.join(names.values())}, got other content"
                f" ({error}); compile the model again"
            ) from error


def _text(plan: Table | None) -> str:
    if plan is None:
        return ""
    values = plan.tables(PLAN_VALUES)
    if len(values) != 1 or values[0].scalar(VALUE_TYPE, "B") != STRING:
        raise ValueError("no single string")
    return values[0].table(VALUE).string(TEXT)
