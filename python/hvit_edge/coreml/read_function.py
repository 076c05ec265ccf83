"""Read a function of a Core ML program from its specification, without coremltools.

coremltools' own reader builds its program again, operator by operator, and infers all types anew.
That takes most of the time of a self-test. This reader takes the types that the specification
declares, and the evaluator checks the shape of each result. It knows programs without nested blocks
and states, with all inputs given that an operator reads.
"""

from __future__ import annotations

import struct
from typing import Any

from hvit_edge.coreml.function import CONST, Function, Given, Operation, Opset, Variable
from hvit_edge.coreml.package import Package, main_function
from hvit_edge.coreml.read_value import DTYPES, UnreadError, Values, described

COMPRESSED = "constexpr_"
DAMAGE = (AttributeError, LookupError, OSError, TypeError, ValueError, struct.error)
"""The errors that a specification with wrong references or types leads to."""
TUPLES = ("values",)
"""The inputs that are tuples, even of one variable: those of `concat` and `stack`."""


def read_function(package: Package) -> Function:
    """Return the main function of a package.

    Raises:
        UnreadError: the function has something that this reader does not know, or is damaged.
    """
    try:
        return _Reader(package).read()
    except DAMAGE as error:
        raise UnreadError(f"{type(error).__name__}: {error}") from error


class _Reader:
    """Reads the operators of a function in their order.

    Attributes:
        known: the latest variable of each name.
    """

    def __init__(self, package: Package) -> None:
        self._described = main_function(package.spec)
        self._opset = Opset(package.spec.specificationVersion)
        self._values = Values(package.weights)
        self.known: dict[str, Variable] = {}

    def read(self) -> Function:
        inputs = {each.name: _result(each) for each in self._described.inputs}
        function = Function(self._opset, inputs)
        self.known.update(function.inputs)
        block = self._described.block_specializations[self._described.opset]
        for each in block.operations:
            function.operations.append(self._operation(each))
        function.outputs = [self.known[name] for name in block.outputs]
        return function

    def _operation(self, spec: Any) -> Operation:
        if spec.blocks:
            raise UnreadError(f"{spec.type} with blocks")
        made = Operation(spec.type, operation_name(spec), self._opset)
        attributes = [item for item in spec.attributes.items() if item[0] != "name"]
        if spec.type == CONST:
            (value,) = (value for key, value in attributes if key == "val")
            constant = self._constant(spec.outputs[0].name, value, made)
            made.outputs = [constant]
        else:
            if attributes and not spec.type.startswith(COMPRESSED):
                raise UnreadError(f"{spec.type} with attributes")
            made.inputs = {key: self._literal(key, value) for key, value in attributes}
            made.inputs.update((key, self._given(key, each)) for key, each in spec.inputs.items())
            made.outputs = [_result(each, made) for each in spec.outputs]
        self.known.update((variable.name, variable) for variable in made.outputs)
        return made

    def _given(self, key: str, argument: Any) -> Given:
        found = [
            self.known[binding.name]
            if binding.WhichOneof("binding") == "name"
            else self._literal(key, binding.value)
            for binding in argument.arguments
        ]
        return found[0] if len(found) == 1 and key not in TUPLES else found

    def _literal(self, key: str, value: Any) -> Variable:
        """Return a constant that an operator holds itself."""
        return self._constant(key, value, Operation(CONST, key, self._opset))

    def _constant(self, name: str, value: Any, op: Operation) -> Variable:
        found, shape, dtype = self._values.read(value)
        return Variable(name, shape, dtype, op, found)


def _result(named: Any, op: Operation | None = None) -> Variable:
    """Return a variable of a declared type."""
    kind = named.type.WhichOneof("type")
    if kind in ("listType", "dictionaryType") and op is not None:
        return Variable(named.name, (), None, op)
    name, shape = described(named.type)
    if name not in DTYPES and op is None:
        raise UnreadError(f"an input of {name}")
    return Variable(named.name, shape, DTYPES[name][1] if name in DTYPES else None, op)


def operation_name(spec: Any) -> str:
    """Return the name of an operator of a specification, or that of its first result."""
    if "name" in spec.attributes:
        names = spec.attributes["name"].immediateValue.tensor.strings.values
        if names:
            return names[0]
    return spec.outputs[0].name if spec.outputs else "without a name"
