"""Run a Core ML program on any system, with torch.

    package -> spec -> function (ours, or MIL by coremltools' own reader) -> steps -> values

It is a reference for numbers, not for speed. `semantics` says what is rounded and when.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from hvit_edge.coreml.features import Feature
from hvit_edge.coreml.feed import feed
from hvit_edge.coreml.function import CONST
from hvit_edge.coreml.package import Package, function_name, main_function, read_package
from hvit_edge.coreml.read_function import operation_name, read_function
from hvit_edge.coreml.read_value import UnreadError
from hvit_edge.coreml.semantics import constant, declared_dtype, declared_shape, stored
from hvit_edge.coreml.steps import Step, check_operators, plan
from hvit_edge.coreml.toolkit import toolkit
from hvit_edge.errors import ArtifactError, InputError

Watch = Callable[[Any, list[Any]], None]
Output = np.ndarray | str | int | dict


class Program:
    """Runs the main function of a program.

    Attributes:
        inputs: the inputs of `run`. An image's shape is [1, 3, H, W], and its array uint8
            [H, W, 3].
        outputs: the outputs of `run`. An image's values are returned as a tensor, not clipped.
        operators: the MIL operators except constants, in the order of execution.
        opset: the first system that has all of them, such as "iOS17".
        package: the package that the program comes from; None for `from_mil`.
    """

    def __init__(self, function: Any, package: Package | None = None) -> None:
        self._function = function
        self._steps = plan(function)
        self.package = package
        self.inputs = _described(function.inputs.values(), package.inputs if package else ())
        self.outputs = _outputs(function, package.outputs if package else ())
        self.operators = [op for op in function.operations if op.op_type != CONST]
        self.opset: str = function.opset_version.name

    @classmethod
    def from_mil(cls, program: Any, function: str = "main") -> Program:
        """Return a MIL program in memory as a `Program`; all its inputs and outputs are tensors.

        Args:
            program: coremltools' MIL program.
            function: the name of the function to run.

        Raises:
            ArtifactError: operators cannot be evaluated; all of them are listed.
            InputError: the program does not have this function.
        """
        if function not in program.functions:
            raise InputError(
                f"[Program.from_mil] expected a function among {sorted(program.functions)},"
                f" got {function}; give one of these"
            )
        return cls(program.functions[function])

    def run(
        self,
        inputs: Mapping[str, np.ndarray],
        *,
        watch: Watch | None = None,
        storage: bool = True,
    ) -> dict[str, Output]:
        """Evaluate the program once.

        Args:
            inputs: arrays by name: images as uint8 [H, W, 3] in RGB, tensors in the declared
                shape and dtype.
            watch: called after each operator with the operator and its results as stored. The
                tensors belong to the program and must not be changed.
            storage: False keeps float16 results in float32, and returns such outputs in float32.

        Returns:
            Arrays by name in the declared dtype; for a classifier, a label and a dictionary from
            each label to its probability.

        Raises:
            InputError: names, shapes or dtypes are wrong; all of them are listed.
            ArtifactError: an operator does not support its inputs' values.
        """
        given = feed(self.inputs, inputs)
        values = {id(var): given[name] for name, var in self._function.inputs.items()}
        with torch.inference_mode():
            for step in self._steps:
                results = step.compute(values, storage)
                if watch is not None:
                    watch(step.op, results)
                for dead in step.dead:
                    values.pop(dead, None)
        return {var.name: self._output(var, values, storage) for var in self._function.outputs}

    def counts(self) -> dict[str, int]:
        """Return how often the program calls each operator, the most frequent first.

        Constants do not count, nor do operators that expand compressed ones.
        """
        return dict(Counter(op.op_type for op in self.calls).most_common())

    @property
    def steps(self) -> Sequence[Step]:
        """Return the operators with their constant inputs, decompressed, in the order
        of execution.
        """
        return tuple(self._steps)

    @property
    def calls(self) -> list[Any]:
        """Return the operators that run in each inference, without those that only expand
        constants.
        """
        return [op for op in self.operators if not op.op_type.startswith("constexpr_")]

    def _output(self, var: Any, values: dict[int, Any], storage: bool) -> Output:
        value = values[id(var)] if id(var) in values else _constant_output(var, storage)
        return value.numpy().copy() if isinstance(value, Tensor) else value


def load_program(path: str | Path) -> Program:
    """Open the `.mlpackage` folder at `path` for evaluation.

    Raises:
        ArtifactError: the package is damaged, or operators cannot be evaluated, which are all
            listed.
        InputError: coremltools is not installed.
    """
    package = read_package(path)
    function = main_function(package.spec)
    body = function.block_specializations[function.opset].operations
    named = ((op.type, operation_name(op)) for op in body if op.type != CONST)
    check_operators(named, package.spec.specificationVersion)
    try:
        return Program(read_function(package), package)
    except (UnreadError, ArtifactError):  # such as an input with a default that is not given
        return Program(_read_by_coremltools(package), package)


def _read_by_coremltools(package: Package) -> Any:
    """Return the main function of a package as coremltools reads it.

    Raises:
        ArtifactError: coremltools cannot read it.
    """
    read = toolkit("coremltools.converters.mil.frontend.milproto.load").load
    spec = package.spec
    try:
        program = read(spec, spec.specificationVersion, str(package.weights))
    except Exception as error:  # its assertions and lookups raise any type
        raise ArtifactError(
            f"[load_program] expected a program that coremltools can read in {package.path}, got"
            f" {type(error).__name__}: {error}; convert the model again"
        ) from error
    return program.functions[function_name(spec)]


def _constant_output(var: Any, storage: bool) -> Any:
    return stored(constant(var.val), declared_dtype(var), storage)


def _described(variables: Any, features: tuple[Feature, ...]) -> tuple[Feature, ...]:
    """Return the features with the shapes and dtypes of the program's variables."""
    known = {feature.name: feature for feature in features}
    return tuple(
        replace(
            known.get(var.name, Feature(var.name)),
            shape=declared_shape(var),
            dtype=str(declared_dtype(var)).removeprefix("torch."),
        )
        for var in variables
    )


def _outputs(function: Any, features: tuple[Feature, ...]) -> tuple[Feature, ...]:
    found: list[Feature] = []
    for var in function.outputs:
        if var.op is None or var.op.op_type != "classify":
            found += _described([var], features)
        elif var is var.op.outputs[0]:
            is_text = isinstance(var.op.inputs["classes"].val[0], str)
            found.append(Feature(var.name, dtype="str" if is_text else "int64", kind="label"))
        else:
            found.append(Feature(var.name, dtype="dict", kind="probabilities"))
    return tuple(found)
