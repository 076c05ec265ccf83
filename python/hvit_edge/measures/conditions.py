"""Check conditions such as `top1_drop > 0.5` on the numbers of a report.

A condition compares names and numbers with `<`, `<=`, `>`, `>=`, `==` and `!=`, computes with `+`,
`-`, `*`, `/` and parentheses, and combines comparisons with `and`, `or` and `not`. Nothing else is
accepted, and nothing of it is run as Python.
"""

from __future__ import annotations

import ast
import difflib
import operator
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hvit_edge.errors import ConditionError, InputError

LONGEST = 200
"""The most characters of a condition."""

COMPARED: dict[type[ast.AST], Callable[[Any, Any], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
COMPUTED: dict[type[ast.AST], Callable[[Any, Any], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


@dataclass(frozen=True)
class Condition:
    """Holds a condition that was parsed.

    Attributes:
        text: as it was written.
        names: the names in it, in the order of their first use.
    """

    text: str
    names: tuple[str, ...]
    _tree: ast.expr

    def holds(self, numbers: Mapping[str, float | None]) -> bool:
        """Return whether the condition is true of `numbers`.

        Raises:
            InputError: a name has no number, or a division is by zero.
        """
        missing = [name for name in self.names if numbers.get(name) is None]
        if missing:
            raise _refused(
                self.text,
                "numbers that this run measures",
                f"no value of {', '.join(missing)}",
                "leave it out or add the option that measures it",
            )
        try:
            return bool(_value(self._tree, numbers))
        except ZeroDivisionError:
            raise _refused(
                self.text, "a divisor other than zero", "zero", "compare products instead"
            ) from None


def parse_condition(text: str, known: Collection[str]) -> Condition:
    """Return a condition.

    Args:
        text: the condition.
        known: the names that may occur.

    Raises:
        InputError: it is none, or a name is not known; the message lists the known ones.
    """
    try:
        if len(text) > LONGEST:
            raise ValueError("too long")
        tree = ast.parse(text.strip(), mode="eval").body
        _check(tree, truth=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise _refused(
            text,
            "a comparison of names and numbers such as 'top1_drop > 0.5'",
            repr(text if len(text) <= 80 else f"{text[:77]}..."),
            "compare with < <= > >= == !=, and combine with and, or, not",
        ) from None
    names = [node.id for node in ast.walk(tree) if isinstance(node, ast.Name)]
    unknown = [name for name in dict.fromkeys(names) if name not in known]
    if unknown:
        close = difflib.get_close_matches(unknown[0], known, n=1)
        hint = f"did you mean {close[0]}? " if close else ""
        raise InputError(
            f"[fail-if] {text}: expected known names, got {', '.join(unknown)}; {hint}known:"
            f" {', '.join(known)}"
        )
    return Condition(text, tuple(dict.fromkeys(names)), tree)


def refuse_if(conditions: Sequence[Condition], numbers: Mapping[str, float | None]) -> None:
    """Raise ConditionError if any condition holds; the message has the values of its names.

    Raises:
        InputError: see `Condition.holds`.
        ConditionError: a condition holds.
    """
    met = [each for each in conditions if each.holds(numbers)]
    if met:
        listed = "; ".join(f"{each.text} ({_values(each.names, numbers)})" for each in met)
        raise ConditionError(
            f"[fail-if] expected no condition of --fail-if to hold, got {listed}; the report above"
            " has all numbers"
        )


def _values(names: Sequence[str], numbers: Mapping[str, float | None]) -> str:
    return ", ".join(f"{name} = {numbers[name]:.6g}" for name in names)


def _check(node: ast.expr, *, truth: bool) -> None:
    """Raise ValueError unless a node is of the grammar: a comparison if `truth`, else a number."""
    if truth and isinstance(node, ast.BoolOp):
        for value in node.values:
            _check(value, truth=True)
    elif truth and isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        _check(node.operand, truth=True)
    elif truth and isinstance(node, ast.Compare):
        if any(type(each) not in COMPARED for each in node.ops):
            raise ValueError("comparison")
        for side in (node.left, *node.comparators):
            _check(side, truth=False)
    elif not truth and isinstance(node, ast.BinOp) and type(node.op) in COMPUTED:
        _check(node.left, truth=False)
        _check(node.right, truth=False)
    elif not truth and isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        _check(node.operand, truth=False)
    elif truth or not (isinstance(node, ast.Name) or _is_number(node)):
        raise ValueError("grammar")


def _is_number(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) in (int, float)


def _value(node: ast.expr, numbers: Mapping[str, float | None]) -> Any:
    """Return the value of a node that `_check` accepted."""
    if isinstance(node, ast.BoolOp):
        found = (_value(each, numbers) for each in node.values)
        return all(found) if isinstance(node.op, ast.And) else any(found)
    if isinstance(node, ast.UnaryOp):
        value = _value(node.operand, numbers)
        return not value if isinstance(node.op, ast.Not) else -value
    if isinstance(node, ast.Compare):
        sides = [_value(each, numbers) for each in (node.left, *node.comparators)]
        pairs = zip(node.ops, sides, sides[1:], strict=False)
        return all(COMPARED[type(each)](left, right) for each, left, right in pairs)
    if isinstance(node, ast.BinOp):
        return COMPUTED[type(node.op)](_value(node.left, numbers), _value(node.right, numbers))
    return numbers[node.id] if isinstance(node, ast.Name) else ast.literal_eval(node)


def _refused(text: str, expected: str, got: str, remedy: str) -> InputError:
    return InputError(f"[fail-if] {text[:80]}: expected {expected}, got {got}; {remedy}")
