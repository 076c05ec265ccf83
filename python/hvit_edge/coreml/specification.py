"""Import the protobuf classes of Core ML's specification, without the rest of coremltools."""

from __future__ import annotations

import importlib
from typing import Any

from hvit_edge.coreml.patches import classes_alone
from hvit_edge.coreml.toolkit import missing_toolkit


def model_class() -> Any:
    """Return the class `Model`, which is the same one after coremltools is imported.

    Raises:
        InputError: coremltools is not installed.
    """
    try:
        with classes_alone():
            return importlib.import_module("coremltools.proto.Model_pb2").Model
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] != "coremltools":
            raise
        raise missing_toolkit() from error
