"""Check that the Swift of mobile/ios parses, and calls C as c_api.h declares it.

A parser replaces the compiler, which few machines with Python have. `swift test` in mobile/ios
compiles and runs everything that does not need Apple's frameworks.
"""

import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import tree_sitter
import tree_sitter_swift

ROOT = Path(__file__).parents[1]
IOS = ROOT / "mobile/ios"
MODULE = IOS / "Sources/CHvitEdge/include"
HEADER = ROOT / "cpp/include/hvit_edge/c_api.h"
LINKED = IOS / "Tests/link/swift_calls.c"
EXAMPLE = IOS / "Examples/ClassifyFrame/main.swift"
SOURCES = sorted((IOS / "Sources").rglob("*.swift"))
SWIFT = sorted(path for path in IOS.rglob("*.swift") if ".build" not in path.parts)
PARSER = tree_sitter.Parser(tree_sitter.Language(tree_sitter_swift.language()))


def parsed(text: str) -> tree_sitter.Node:
    return PARSER.parse(text.encode()).root_node


def nodes(root: tree_sitter.Node, *types: str) -> Iterator[tree_sitter.Node]:
    if root.type in types:
        yield root
    for child in root.children:
        yield from nodes(child, *types)


def text(node: tree_sitter.Node) -> str:
    return node.text.decode()


def calls(source: str) -> Iterator[tuple[str, list[str]]]:
    """Yield each call's last name, and its arguments' labels: "" for none, "{}" for a closure."""
    for call in nodes(parsed(source), "call_expression"):
        name = text(call.children[0]).split(".")[-1]
        suffix = call.children[-1]
        labels = []
        for part in suffix.children:
            if part.type == "lambda_literal":
                labels.append("{}")
            for argument in part.children if part.type == "value_arguments" else ():
                if argument.type == "value_argument":
                    label = argument.child_by_field_name("name")
                    labels.append("" if label is None else text(label))
        yield name, labels


def c_functions(header: str) -> dict[str, int]:
    """Return name and number of arguments of each function that C declares or defines."""
    code = re.sub(r"/\*.*?\*/", "", header, flags=re.DOTALL)
    found = re.findall(r"^[\w *]+?\b(h\w+)\(([^()]*)\)\s*[;{]", code, flags=re.MULTILINE)
    return {
        name: 0 if arguments.strip() == "void" else arguments.count(",") + 1
        for name, arguments in found
    }


def c_names(code: str) -> set[str]:
    code = re.sub(r"/\*.*?\*/", "", code, flags=re.DOTALL)
    return set(re.findall(r"\b(?:hve_|HVE_|hvit_edge_)\w+", code))


DECLARED = c_functions(HEADER.read_text()) | c_functions((MODULE / "CHvitEdge.h").read_text())


def faults(source: str) -> list[str]:
    """Return calls of C functions that do not exist or have another number of arguments."""
    found = []
    for name, labels in calls(source):
        if name in DECLARED and len(labels) != DECLARED[name]:
            found.append(f"{name}: expected {DECLARED[name]} arguments, got {len(labels)}")
    known = c_names(HEADER.read_text()) | c_names((MODULE / "CHvitEdge.h").read_text())
    used = {text(node) for node in nodes(parsed(source), "simple_identifier", "type_identifier")}
    used = {name for name in used if name.startswith(("hve_", "HVE_", "hvit_edge_"))}
    return found + sorted(f"{name}: no such name in C" for name in used - known)


@pytest.mark.parametrize("source", SWIFT, ids=lambda path: str(path.relative_to(IOS)))
def test_parses(source):
    root = parsed(source.read_text())
    assert not root.has_error, [text(node) for node in nodes(root, "ERROR")]


def test_header_is_read():
    assert DECLARED["hve_version"] == 0
    assert DECLARED["hve_session_list_text"] == 5
    assert DECLARED["hve_classifier_classify"] == 7
    assert DECLARED["hvit_edge_image"] == 0
    assert len([name for name in DECLARED if name.startswith("hve_")]) == HEADER.read_text().count(
        "\nHVE_API "
    )


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_calls_c_as_declared(source):
    assert faults(source.read_text()) == []


@pytest.mark.parametrize(
    "source, fault",
    [
        ("try callC { hve_session_close($0) }", "hve_session_close: expected 2 arguments, got 1"),
        ("hve_threads(1)", "hve_threads: expected 0 arguments, got 1"),
        ("hve_gone()", "hve_gone: no such name in C"),
        ("let field = HVE_TEXT_GONE", "HVE_TEXT_GONE: no such name in C"),
        ("hvit_edge_gone()", "hvit_edge_gone: no such name in C"),
    ],
)
def test_faults_are_found(source, fault):
    assert faults(source) == [fault]


def test_every_call_is_linked_for_macos():
    """Check that `make apple-link` links a C program that calls exactly what Swift calls."""
    swift = {name for path in SOURCES for name, _ in calls(path.read_text()) if name in DECLARED}
    linked = set(re.findall(r"\b(hve_\w+|hvit_edge_\w+)\(", LINKED.read_text())) & set(DECLARED)
    assert linked == swift
    assert len(swift) > 10
    assert "#pragma clang module import CHvitEdge\n" in LINKED.read_text()


def test_the_module_is_the_real_header():
    """Check that the module's header includes c_api.h in its place, and repeats nothing of it."""
    assert 'umbrella header "CHvitEdge.h"' in (MODULE / "module.modulemap").read_text()
    umbrella = (MODULE / "CHvitEdge.h").read_text()
    (included,) = re.findall(r'^#include "(.*)"$', umbrella, flags=re.MULTILINE)
    assert (MODULE / included).resolve() == HEADER
    assert not [name for name in c_functions(umbrella) if name.startswith("hve_")]
    names = {str(path.relative_to(MODULE)) for path in MODULE.rglob("*") if path.is_file()}
    assert names == {"CHvitEdge.h", "module.modulemap", "hvit_edge/c_api.h"}
    copies = [path for path in IOS.rglob("c_api.h") if path.resolve() != HEADER]
    assert not [path for path in copies if "xcframework" not in str(path)]


def signatures() -> dict[str, list[list[tuple[str, bool]]]]:
    """Return the parameters of each public function or initializer: label, and whether optional."""
    found: dict[str, list] = {}
    for path in SOURCES:
        root = parsed(path.read_text())
        for node in nodes(root, "function_declaration", "init_declaration"):
            head = text(node).split("{")[0]
            if "public" not in head:
                continue
            name = node.child_by_field_name("name")
            parameters = []
            for child in node.children:
                if child.type == "parameter":
                    words = text(child).split(":")[0].split()
                    parameters.append(["" if words[0] == "_" else words[0], False])
                elif child.type == "=":
                    parameters[-1][1] = True
            key = text(name)
            if key == "init":
                owner = node.parent.parent
                key = text(owner.child_by_field_name("name"))
            found.setdefault(key, []).append([tuple(one) for one in parameters])
    return found


def accepts(parameters: list[tuple[str, bool]], labels: list[str]) -> bool:
    labels = list(labels)
    for label, optional in parameters:
        if labels and labels[0] == label:
            labels.pop(0)
        elif not optional:
            return False
    return not labels


def misused(source: str) -> list[str]:
    """Return calls of this package's names that no declaration accepts."""
    known = signatures()
    return [
        f"{name}({', '.join(labels)})"
        for name, labels in calls(source)
        if name in known and not any(accepts(one, labels) for one in known[name])
    ]


def test_signatures_are_read():
    known = signatures()
    assert {"open", "classify", "selfTest", "Pixels"} <= known.keys()
    assert [("", False), ("threads", True), ("method", True)] in known["open"]
    assert misused("Classifier.open(file, thread: 2)") == ["open(, thread)"]
    assert misused("Pixels(bytes, width: 2)") == ["Pixels(, width)"]


def shown_examples() -> list[str]:
    files = (ROOT / "docs/getting_started.md", IOS / "README.md")
    return [
        example
        for file in files
        for example in re.findall(r"```swift\n(.*?)```", file.read_text(), flags=re.DOTALL)
    ]


def test_readmes_show_what_is_there():
    examples = shown_examples()
    assert examples.count(EXAMPLE.read_text()) == 1  # in docs/getting_started.md
    assert len(examples) >= 2
    for example in examples:
        assert not parsed(example).has_error, example
        assert misused(example) == []
        assert {name for name, _ in calls(example)} & {"open", "classify"}


def test_sample_uses_what_is_there():
    sample = IOS / "sample/HvitEdgeCamera.swiftpm"
    used = Counter()
    for path in sorted(sample.glob("*.swift")):
        assert misused(path.read_text()) == []
        used.update(name for name, _ in calls(path.read_text()))
    assert used["open"] == used["classify"] == 1
    assert "alwaysDiscardsLateVideoFrames = true" in (sample / "Camera.swift").read_text()


def test_reference_is_what_python_gives():
    """Compare with the numbers that the Swift tests use."""
    script = IOS / "Tests/make_reference.py"
    made = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True)
    committed = IOS / "Tests/HvitEdgeTests/reference.json"
    assert json.loads(made.stdout) == json.loads(committed.read_text())


def test_error_codes_are_those_of_c():
    swift = (IOS / "Sources/HvitEdge/HvitEdgeError.swift").read_text()
    named = dict(re.findall(r"case (\w+) = (-?\d+)", swift))
    c = dict(re.findall(r"HVE_([A-Z_]+) = (\d+),", HEADER.read_text()))
    camel = {
        "invalidArgument": "INVALID_ARGUMENT",
        "invalidArtifact": "INVALID_ARTIFACT",
        "unsupportedVersion": "UNSUPPORTED_VERSION",
        "missingBackend": "MISSING_BACKEND",
        "executionFailed": "EXECUTION_FAILED",
        "outOfMemory": "OUT_OF_MEMORY",
        "internalError": "INTERNAL",
    }
    assert {name: c[camel[name]] for name in camel} == {name: named[name] for name in camel}
    assert set(named) == {*camel, "unknown"}
