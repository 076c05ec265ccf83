"""Plan a MIL function as a list of steps with known constants, functions and lifetimes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from hvit_edge.coreml.operators.registry import Kernel, find_kernel, operator_names
from hvit_edge.coreml.semantics import (
    constant,
    declared_dtype,
    declared_shape,
    stored,
    widened,
)
from hvit_edge.errors import ArtifactError

Values = dict[int, Any]  # by id of the MIL variable, which the program keeps alive


@dataclass
class Step:
    """Holds one operator and what is known of its inputs.

    Attributes:
        op: the MIL operator.
        kernel: the function that computes it.
        fixed: the inputs that are constants.
        fed: the inputs that other steps produce; lists of variables for tuple inputs.
        dead: ids of the variables that no later step reads.
    """

    op: Any
    kernel: Kernel
    fixed: dict[str, Any] = field(default_factory=dict)
    fed: dict[str, Any] = field(default_factory=dict)
    dead: list[int] = field(default_factory=list)

    def compute(self, values: Values, storage: bool) -> list[Any]:
        """Return the results as the program stores them, and put them into `values`.

        Raises:
            ArtifactError: the operator does not support its inputs.
        """
        given = dict(self.fixed)
        for name, var in self.fed.items():
            given[name] = self._argument(name, _resolve(var, values))
        try:
            results = self.kernel.function(**given)
        except (RuntimeError, ValueError, IndexError, TypeError, KeyError) as error:
            raise ArtifactError(
                f"[Program.run] operator {self.op.op_type} {self.op.name}: expected inputs that"
                f" it supports, got {type(error).__name__}: {error}; check the program's inputs,"
                " or convert the model again"
            ) from error
        results = results if isinstance(results, tuple) else (results,)
        held = [
            self._checked(stored(result, declared_dtype(var), storage), var)
            for result, var in zip(results, self.op.outputs, strict=True)
        ]
        values.update((id(var), value) for var, value in zip(self.op.outputs, held, strict=True))
        return held

    def _argument(self, name: str, value: Any) -> Any:
        if name in self.kernel.tensors:
            return value
        return value.tolist() if isinstance(value, Tensor) else value

    def _checked(self, value: Any, var: Any) -> Any:
        if isinstance(value, Tensor):
            wanted, got = declared_shape(var), tuple(value.shape)
            fits = len(wanted) == len(got) and all(
                size in (None, found) for size, found in zip(wanted, got, strict=True)
            )
            if not fits:
                raise ArtifactError(
                    f"[Program.run] operator {self.op.op_type} {self.op.name}: expected the"
                    f" declared shape {list(wanted)}, got {list(got)}; convert the model again"
                )
        return value


def check_operators(operators: Iterable[tuple[str, str]], opset: int) -> None:
    """Check that each operator, given as (type, name), can be evaluated.

    Raises:
        ArtifactError: operators cannot be evaluated; all of them are listed.
    """
    unknown = [f"{kind} {name}" for kind, name in operators if not find_kernel(kind, opset)]
    if unknown:
        raise ArtifactError(
            f"[load_program] expected operators among the {len(operator_names())} that can be"
            f" evaluated, got {', '.join(unknown)}; convert the model without them, or add each to"
            " hvit_edge/coreml/operators"
        )


def plan(function: Any) -> list[Step]:
    """Return the steps of a MIL function, with compressed constants expanded.

    Raises:
        ArtifactError: an operator's function does not have some of its inputs; all are listed.
    """
    operations = [op for op in function.operations if op.op_type != "const"]
    check_operators(((op.op_type, op.name) for op in operations), int(function.opset_version))
    constants: Values = {}
    wanted = {id(var) for var in function.outputs}
    steps, faults = [], []
    for op in operations:
        step = Step(op, find_kernel(op.op_type, int(op.opset_version)))
        faults += [f"{op.op_type} {op.name}: {f}" for f in step.kernel.faults(set(op.inputs))]
        _divide_inputs(step, constants)
        is_output = any(id(var) in wanted for var in op.outputs)
        if op.op_type.startswith("constexpr_") and not is_output and not faults:
            step.compute(constants, storage=True)
        else:
            steps.append(step)
    if faults:
        raise ArtifactError(
            f"[load_program] expected operators as coremltools 9 defines them, got"
            f" {'; '.join(faults)}; convert the model with coremltools 9"
        )
    _mark_dead(steps, function)
    return steps


def _divide_inputs(step: Step, constants: Values) -> None:
    for name, var in step.op.inputs.items():
        parts = var if isinstance(var, (list, tuple)) else [var]
        for part in parts:
            if id(part) not in constants and part.op is not None and part.op.op_type == "const":
                constants[id(part)] = constant(part.val)
        if all(id(part) in constants for part in parts):
            step.fixed[name] = step._argument(name, _resolve(var, constants))
        else:
            step.fed[name] = _partly(var, constants)


@dataclass(frozen=True)
class _Known:
    """Holds a constant among the produced tensors of a tuple input."""

    value: Any


def _partly(var: Any, constants: Values) -> Any:
    if not isinstance(var, (list, tuple)):
        return var
    return [_Known(constants[id(p)]) if id(p) in constants else p for p in var]


def _resolve(var: Any, values: Values) -> Any:
    if isinstance(var, (list, tuple)):
        return [_resolve(part, values) for part in var]
    return widened(var.value if isinstance(var, _Known) else values[id(var)])


def _mark_dead(steps: list[Step], function: Any) -> None:
    seen = {id(var) for var in function.outputs}
    for step in reversed(steps):
        read = [part for var in step.fed.values() for part in _parts(var)]
        for var in [*read, *step.op.outputs]:
            if id(var) not in seen:
                seen.add(id(var))
                step.dead.append(id(var))


def _parts(var: Any) -> list[Any]:
    parts = var if isinstance(var, list) else [var]
    return [part for part in parts if not isinstance(part, _Known)]
