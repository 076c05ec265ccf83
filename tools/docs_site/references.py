"""Write the pages of the site that are made from the code."""

import ast
import contextlib
import io
import re
from pathlib import Path

import hvit_edge
from hvit_edge.cli import main


def command_line(root: Path) -> str:
    """Return the help of every verb."""
    overview = _help()
    verbs = re.findall(r"^  ([a-z]+)  +\S", overview.split("\n\n")[2], re.M)
    parts = ["# Command line", _block(overview)]
    for verb in verbs:
        parts += [f"## hvit-edge {verb}", _block(_help(verb))]
    return "\n\n".join(parts)


def python(root: Path) -> str:
    """Return directives for each name that the package exports."""
    parts = [
        "# Python",
        "`import hvit_edge` gives these names. PyTorch is imported when it is needed.",
    ]
    for name, module in sorted(hvit_edge._PUBLIC.items(), key=lambda item: item[0].lower()):
        parts.append(f"::: {_place(root, module, name)}")
    return "\n\n".join(parts)


def headers(root: Path) -> str:
    """Return the public headers, whose comments are the reference of C and C++."""
    folder = root / "cpp/include/hvit_edge"
    parts = [
        "# C and C++",
        "The comments of the public headers are the reference. [C++ and C](embedding.md) says how "
        "to build and link them. `c_api.h` is the interface for C and for other languages.",
    ]
    first = ["session.h", "classifier.h", "embedder.h", "segmenter.h", "detector.h", "c_api.h"]
    rest = sorted(path.name for path in folder.glob("*.h") if path.name not in first)
    for name in [*first, *rest]:
        parts += [f"## {name}", _block((folder / name).read_text(encoding="utf-8"), "cpp")]
    return "\n\n".join(parts)


def errors(root: Path) -> str:
    """Return the messages of the Python package by the place that each names."""
    parts = [
        "# When it goes wrong",
        "A message reads `[where] expected, got; how to fix`. `--verbose` shows the traceback too, "
        "and `hvit-edge doctor` checks the machine. These are the messages of the Python package "
        "by their place. A part in braces stands for a value. Messages of the C++ runtime have the "
        "same form.",
    ]
    found: dict[str, set[str]] = {}
    for path in sorted((root / "python/hvit_edge").rglob("*.py")):
        for where, message in _messages(ast.parse(path.read_text(encoding="utf-8"))):
            found.setdefault(where, set()).add(message)
    for where in sorted(found, key=str.lower):
        lines = "\n".join(f"- {_plain(message)}" for message in sorted(found[where]))
        parts += [f"## {_plain(where)}", lines]
    return "\n\n".join(parts)


def _messages(tree: ast.AST) -> list[tuple[str, str]]:
    """Return place and text of each message: a text that begins with a place in brackets."""
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.expr)]
    parts = {id(part) for node in nodes if isinstance(node, ast.JoinedStr) for part in node.values}
    texts = [_text(node) for node in nodes if id(node) not in parts]
    found = [re.match(r"\[([a-z][^\]\n]*)\] (expected .+)", text or "", re.S) for text in texts]
    return [(match[1], " ".join(match[2].split())) for match in found if match]


def _text(node: ast.expr) -> str | None:
    """Return a literal text, with `{source}` for each value in it; None if it is something else."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(
            part.value if isinstance(part, ast.Constant) else f"{{{ast.unparse(part.value)}}}"
            for part in node.values
        )
    return None


def _plain(text: str) -> str:
    """Return a text in which Markdown sees no marks."""
    return re.sub(r"([\\`*_{}\[\]<>#|])", r"\\\1", text)


def _place(root: Path, module: str, name: str) -> str:
    """Return the dotted path of a public name where it is defined."""
    path = root / "python/hvit_edge" / module.replace(".", "/")
    if not path.is_dir():
        return f"hvit_edge.{module}.{name}"
    for node in ast.parse((path / "__init__.py").read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom) and name in {alias.name for alias in node.names}:
            return f"{node.module}.{name}"
    return f"hvit_edge.{module}.{name}"


def _help(*verb: str) -> str:
    """Return what `--help` prints."""
    text = io.StringIO()
    with contextlib.redirect_stdout(text), contextlib.suppress(SystemExit):
        main([*verb, "--help"])
    return text.getvalue().rstrip()


def _block(text: str, language: str = "text") -> str:
    return f"```{language}\n{text.rstrip()}\n```"
