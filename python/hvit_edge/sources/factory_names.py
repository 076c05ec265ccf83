"""Find the names that a user's file defines, without running it. Imports no torch."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterator
from pathlib import Path

from hvit_edge.errors import InputError

SHOWN = 8


def check_factory(path: Path, factory: str, where: str) -> None:
    """Check that a file is Python and may define `factory`.

    Raises:
        InputError: the file is missing, is not Python, or cannot define `factory`. The message
            names the line, or what the file defines.
    """
    tree = _parsed(path, where)
    names = list(_bound(tree.body))
    if factory in names or "*" in names:
        return
    close = difflib.get_close_matches(factory, names, n=1)
    hint = f"did you mean {close[0]!r}? " if close else ""
    found = ", ".join(_makers(tree)[:SHOWN]) or "no function or class"
    raise InputError(
        f"[{where}] expected {path} to define {factory}, it does not; {hint}it defines {found}"
    )


def factories_in(path: Path, where: str) -> list[str]:
    """Return the functions and classes at the top level of a file, in order; at most `SHOWN`.

    Raises:
        InputError: the file is missing or not Python.
    """
    return _makers(_parsed(path, where))[:SHOWN]


def _parsed(path: Path, where: str) -> ast.Module:
    try:
        return ast.parse(path.read_bytes(), str(path))
    except SyntaxError as error:
        raise InputError(
            f"[{where}] expected Python in {path}, got {error.msg} in line {error.lineno}:"
            f" {(error.text or '').strip()}; correct it"
        ) from error
    except ValueError as error:
        raise InputError(f"[{where}] expected Python in {path}, got {error}") from error
    except OSError as error:
        found = "a folder" if path.is_dir() else error.strerror or str(error)
        raise InputError(
            f"[{where}] expected a Python file, got {path} ({found}); check its path"
        ) from error


def _makers(tree: ast.Module) -> list[str]:
    kinds = (ast.FunctionDef, ast.ClassDef)
    return [s.name for s in tree.body if isinstance(s, kinds) and not s.name.startswith("_")]


def _bound(statements: list[ast.stmt]) -> Iterator[str]:
    """Yield the names that statements bind, also inside `if`, `try` and `with`.

    Yields "*" if the code may bind any name.
    """
    for statement in statements:
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield statement.name
        elif isinstance(statement, (ast.Import, ast.ImportFrom)):
            for alias in statement.names:
                yield alias.asname or alias.name.split(".")[0]
        else:
            for node in ast.walk(statement):
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                    yield node.id
                elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                    yield node.name
                elif isinstance(node, (ast.Import, ast.ImportFrom)):
                    yield from (alias.asname or alias.name.split(".")[0] for alias in node.names)
                elif isinstance(node, ast.Call) and getattr(node.func, "id", "") in _DYNAMIC:
                    yield "*"


_DYNAMIC = ("globals", "exec", "setattr")
