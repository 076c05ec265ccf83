"""Run artifacts with Session, which uses the C++ runtime."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from hvit_edge.artifact.metadata import SOURCES
from hvit_edge.artifact.program_text import read_text
from hvit_edge.artifact.runtime_metadata import metadata_of
from hvit_edge.boundary.public import public_methods
from hvit_edge.errors import InputError
from hvit_edge.runtime.binding import cpp


@dataclass(frozen=True)
class TensorSpec:
    """Holds shape and dtype of an input or output, for example ((1, 3, 256, 256), "float32").

    `name` is empty in a classifier, whose input and output have no names.
    """

    shape: tuple[int, ...]
    dtype: str
    name: str = ""


@dataclass(frozen=True)
class SelfTest:
    """Compares the outputs for the golden sample with those of eager PyTorch.

    Attributes:
        passed: True if the difference is within the tolerance of the artifact.
        max_abs: largest absolute difference of an output.
        max_rel: `max_abs` divided by the largest absolute golden value. For an output of integers
            or booleans it is the share of elements that differ. Of several outputs the worst
            counts.
        top1_agree: True if both have the same top class; always True without classes.
    """

    passed: bool
    max_abs: float
    max_rel: float
    top1_agree: bool


@public_methods("__init__", "__call__", "run", "select", "operator_times", "self_test")
class Session:
    """Runs one loaded artifact. Calls from several threads run one after the other.

    Args:
        path: an artifact written by `hvit_edge.compile`. It must not change while it is loaded.
        threads: number of threads; 0 means the physical cores that this process may use. The number
            applies to the complete process; the Session loaded last sets it.
        prepare: False loads the model itself only at the first run. An artifact for a backend that
            this system does not have can then be inspected, but not run.
        time_operators: also measure the operators in every run, see `operator_times`.
        method: the method to run, one of `metadata.methods`; empty for the first one. No other
            method is loaded.

    Attributes:
        metadata: metadata of the artifact.
        inputs, outputs: a TensorSpec for each.
        planned_memory_bytes: size of the memory for activations, without the weights.
        load_seconds: time that loading took.

    Raises:
        InputError: there is no such file, it is a directory, or the number of threads is
            impossible.
        ArtifactError: the file is truncated, altered, not from hvit-edge, or too new.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        threads: int = 0,
        prepare: bool = True,
        time_operators: bool = False,
        method: str = "",
    ) -> None:
        started = time.perf_counter()
        native = cpp.Session(
            path_text(path), thread_count(threads), prepare, time_operators, method_name(method)
        )
        self._adopt(native, path, time.perf_counter() - started)

    @classmethod
    def _of(
        cls,
        native: cpp.Session,
        path: str | Path,
        load_seconds: float,
        lock: threading.Lock,
    ) -> Session:
        session = cls.__new__(cls)
        session._adopt(native, path, load_seconds, lock)
        return session

    def _adopt(
        self,
        native: cpp.Session,
        path: str | Path,
        load_seconds: float,
        lock: threading.Lock | None = None,
    ) -> None:
        self._native = native
        self._lock = lock or threading.Lock()
        names = [method.name for method in native.metadata.methods] or [""]
        self._texts = {name: read_text(os.fsdecode(path), SOURCES, name) for name in names}
        self.load_seconds = load_seconds
        self._describe()

    def _describe(self) -> None:
        """Read what describes the selected method."""
        native = self._native
        self.inputs = tuple(TensorSpec(tuple(s.shape), s.dtype, s.name) for s in native.inputs)
        self.outputs = tuple(TensorSpec(tuple(s.shape), s.dtype, s.name) for s in native.outputs)
        self.metadata = replace(
            metadata_of(native.metadata, self._texts[native.metadata.method]),
            input_names=tuple(spec.name for spec in self.inputs if spec.name),
            output_names=tuple(spec.name for spec in self.outputs if spec.name),
        )
        self.planned_memory_bytes: int = native.planned_memory_bytes

    def select(self, method: str) -> None:
        """Select the method that runs from now on, and that the attributes describe.

        The next run loads it in place of the former one.

        Args:
            method: the name of one of `metadata.methods`.

        Raises:
            InputError: the artifact has no method of this name.
        """
        with self._lock:
            self._native.select(method_name(method))
        self._describe()

    def __call__(self, *arrays: np.ndarray, **named: np.ndarray) -> list[np.ndarray]:
        """Run the model once.

        Args:
            arrays: one contiguous array for each of `inputs`; they are read in place, not copied.
            named: the same arrays by name, for artifacts of the task "tensor".

        Returns:
            A new array for each of `outputs`.

        Raises:
            InputError: the number of arrays, a name, shape, dtype or memory order is wrong, or a
                value is NaN or infinity.
        """
        if arrays and named:
            raise InputError(
                f"[Session.run] expected inputs by position or by name, got {len(arrays)} and"
                f" {len(named)}; give all of them in one way"
            )
        _check_arrays(named or dict(enumerate(arrays)))
        with self._lock:
            if named:
                return self._native.run_named(list(named.items()))
            return self._native.run(arrays)

    def run(
        self, arrays: Sequence[np.ndarray] | Mapping[str, np.ndarray]
    ) -> list[np.ndarray] | dict[str, np.ndarray]:
        """Run the model once, on a list of arrays or on arrays by name.

        Args:
            arrays: one array for each of `inputs`, as a sequence or as a mapping by name.

        Returns:
            A list for a sequence, or a dict by the names of `outputs` for a mapping.

        Raises:
            InputError: see `__call__`.
        """
        if not isinstance(arrays, Mapping):
            return self(*arrays)
        _check_arrays(arrays)
        with self._lock:
            found = self._native.run_named([(str(name), a) for name, a in arrays.items()])
        return {spec.name: array for spec, array in zip(self.outputs, found, strict=True)}

    def operator_times(self) -> list[tuple[str, int]]:
        """Return name and nanoseconds of each operator in the last run, in order.

        The list is empty if the Session does not time operators. XNNPACK measures microseconds,
        rounded down. An operator outside the delegates is named "instruction N", after its place in
        the program; `profile` names the operator.
        """
        with self._lock:
            return [(each.name, each.end_ns - each.start_ns) for each in self._native.operators]

    def self_test(self) -> SelfTest:
        """Run the golden sample, and compare with the golden outputs."""
        with self._lock:
            result = self._native.self_test()
        return SelfTest(result.passed, result.max_abs, result.max_rel, result.top1_agree)


def _check_arrays(arrays: Mapping) -> None:
    for name, array in arrays.items():
        if not isinstance(array, np.ndarray):
            raise InputError(
                f"[Session.run] input {name}: expected a numpy array, got"
                f" {type(array).__name__}; convert with numpy.asarray"
            )


def path_text(path: str | Path) -> str:
    """Return the path of an artifact as text; raise InputError if it is none."""
    try:
        return os.fsdecode(path)
    except TypeError:
        raise InputError(
            f"[Session] expected the path of an artifact, got {type(path).__name__};"
            " give a str or a Path"
        ) from None


def whole_number(value: int, where: str, name: str) -> int:
    """Return `value` as an int; raise InputError if it is not an integer that fits C++'s int."""
    # The runtime cannot report a value that does not fit C++'s int.
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or abs(value) > 2**30:
        raise InputError(f"[{where}] {name}: expected a whole number, got {value!r}")
    return int(value)


def method_name(method: str) -> str:
    """Return the name of a method; raise InputError if it is no text."""
    if not isinstance(method, str):
        raise InputError(
            f"[Session] method: expected a name, got {method!r}; `metadata.methods` lists the names"
        )
    return method


def thread_count(threads: int) -> int:
    """Return a number of threads as an int; raise InputError if it is none."""
    return whole_number(threads, "Session", "threads")
