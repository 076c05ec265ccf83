"""Check README, docs/getting_started.md and docs/tasks.md.

Their commands run, their examples compile, and their tables come from measurements.
"""

import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
GUIDE = (ROOT / "docs/getting_started.md").read_text()
PAGES = README + GUIDE
TASKS = (ROOT / "docs/tasks.md").read_text()

SHOWN = ("runtime", "4 of 4 artifacts", "evaluated")
"""A part of what the last command of each block of bash prints."""


def blocks(language: str, text: str = PAGES) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, flags=re.DOTALL)


@pytest.fixture
def checkout(tmp_path):
    """Return a folder with the files that the commands name, so that they write nothing here."""
    (tmp_path / "python").symlink_to(ROOT / "python")
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("commands, shown", [*zip(blocks("bash"), SHOWN, strict=True)])
def test_commands(commands, shown, checkout):
    assert shown in run_commands(commands, checkout)


def run_commands(commands: str, folder: Path) -> str:
    """Run the lines of a block one after the other; return what the last one prints."""
    scripts = Path(sysconfig.get_path("scripts"))
    for line in commands.splitlines():
        program, *arguments = shlex.split(line)
        done = subprocess.run(
            [scripts / program, *arguments], cwd=folder, capture_output=True, text=True
        )
        assert done.returncode == 0, f"{line}\n{done.stderr}"
    return done.stdout


def run_python(example: str, folder: Path) -> str:
    """Run a block of Python; return what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", example], cwd=folder, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    ("title", "shown", "printed"),
    [
        ("Embed", "", r"^-?0\.\d{3}$"),
        ("Segment", "star", r"^star +#[0-9a-f]{6} \d+\.\d% of the photo$"),
        ("Detect", "star", r"^\S.* +0\.\d{3} at \d+, \d+$"),
    ],
)
def test_task(title, shown, printed, checkout):
    section = TASKS.split(f"\n## {title}\n")[1].split("\n## ")[0]
    (commands,) = blocks("bash", section)
    (example,) = blocks("python", section)
    assert shown in run_commands(commands, checkout)
    assert re.search(printed, run_python(example, checkout), flags=re.MULTILINE)


@pytest.mark.slow
def test_python_example(checkout):
    (example,) = blocks("python")
    printed = run_python(example, checkout)
    assert re.search(r"^cat +0\.\d{3}$", printed, flags=re.MULTILINE)
    assert "SelfTest(passed=True" in printed


def compiler_call(example: str, folder: Path) -> list[str]:
    """Return the call of a compiler for a C++ program."""
    source = folder / "example.cpp"
    source.write_text(example)
    compiler = shutil.which("c++")
    assert compiler, "a C++ compiler is needed"
    flags = ["-std=c++17", "-Wall", "-Wextra", "-Werror", f"-I{ROOT / 'cpp' / 'include'}"]
    return [compiler, *flags, str(source)]


@pytest.fixture
def cpp_example(tmp_path):
    """Return the call of a compiler for the C++ program of the guide."""
    (example,) = blocks("cpp")
    return compiler_call(example, tmp_path)


@pytest.mark.parametrize("example", [*blocks("cpp"), *blocks("cpp", TASKS)])
def test_cpp_example_compiles(example, tmp_path):
    cpp_example = compiler_call(example, tmp_path)
    done = subprocess.run([*cpp_example, "-fsyntax-only"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_cpp_example_runs(cpp_example, tmp_path):
    """Link the library that the runner was linked with, and run the program."""
    import executorch

    library = ROOT / "build/native/cpp/libhvit_edge.a"
    if not library.exists():
        pytest.skip(f"{library} is not built; make runner")
    libraries = Path(executorch.__path__[0]) / "lib"
    names = ("kernels_optimized", "backend_xnnpack", "threadpool")
    program = tmp_path / "example"
    link = [str(library), f"-L{libraries}", f"-Wl,-rpath,{libraries}", "-Wl,--no-as-needed"]
    link += [*(f"-lexecutorch_{name}" for name in names), "-lexecutorch", "-pthread"]
    done = subprocess.run([*cpp_example, *link, "-o", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr

    def run(artifact: str) -> subprocess.CompletedProcess:
        path = ROOT / "cpp/tests/data" / artifact
        return subprocess.run([program, path], capture_output=True, text=True)

    shown = run("tiny_v1.pte")
    assert shown.returncode == 0, shown.stdout + shown.stderr
    assert re.match(r"\w+ 0\.\d{3}\n", shown.stdout)
    refused = run("none.pte")
    assert refused.returncode == 1
    assert "expected an artifact, got no such file" in refused.stdout


def test_java_example_compiles(tmp_path):
    """Compile the example with those sources of mobile/android that need no Android."""
    (example,) = blocks("java")
    (name,) = re.findall(r"public final class (\w+)", example)
    (tmp_path / f"{name}.java").write_text(example)
    compiler = shutil.which("javac")
    if compiler is None:
        pytest.skip("no javac; make test installs it")
    sources = sorted((ROOT / "mobile/android/hvit-edge/src/main/java").rglob("*.java"))
    done = subprocess.run(
        [compiler, "--release", "8", "-encoding", "UTF-8", "-Xlint:all,-options", "-Werror"]
        + ["-d", tmp_path / "classes", *sources, tmp_path / f"{name}.java"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "classes" / f"{name}.class").exists()


def test_embeds_in_four_places():
    """Each section has one example; tests/test_ios_swift.py checks the Swift one.

    The one for a web page is in docs/web.md, where tests/demo/test_web_page_of_docs.py runs it.
    """
    titles = re.findall(r"^## Embed in (.+)$", GUIDE, flags=re.MULTILINE)
    assert titles == ["C++", "Android", "iOS", "a web page"]
    for title, language in zip(titles, ("cpp", "java", "swift"), strict=False):
        section = GUIDE.split(f"## Embed in {title}\n")[1].split("\n## ")[0]
        assert section.count(f"```{language}\n") == 1


def test_tables_are_rendered_from_committed_results():
    script = ROOT / "benchmarks" / "readme_tables.py"
    assert subprocess.run([sys.executable, script, "--check"]).returncode == 0


def test_verbs_are_those_of_the_command_line():
    from hvit_edge.cli import VERBS

    section = GUIDE.split("## The command line\n")[1].split("\n## ")[0]
    named = re.findall(r"^\| `(\w+)", section, flags=re.MULTILINE)
    assert named == list(VERBS)


def test_make_targets_exist():
    """Check the targets in the code of every page, such as `make test-cpp test-python`."""
    makefile = (ROOT / "Makefile").read_text()
    (included,) = re.findall(r"^include (.+)$", makefile, flags=re.MULTILINE)
    makefile += "".join((ROOT / name).read_text() for name in included.split())
    rules = re.findall(r"^([a-z -]+):", makefile, flags=re.MULTILINE)
    known = {target for rule in rules for target in rule.split()}
    unknown = [
        f"{page.relative_to(ROOT)}: make {target}"
        for page in pages()
        for call in re.findall(r"(?:`|^ {4})make ([a-z-]+(?: [a-z-]+)*)", page.read_text(), re.M)
        for target in call.split()
        if target not in known
    ]
    assert not unknown


def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub makes of the headings of a page."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def leads_nowhere(page: Path, target: str) -> bool:
    """Return True if a relative link names no file, or no heading of it."""
    if "://" in target:
        return False
    path, _, anchor = target.partition("#")
    file = page.parent / path if path else page
    return not file.exists() or bool(anchor) and anchor not in anchors(file)


def pages() -> list[Path]:
    """Return the pages that people read."""
    return [
        *(ROOT / name for name in ("README.md", "CONTRIBUTING.md")),
        *sorted((ROOT / "docs").glob("*.md")),
        *sorted((ROOT / "mobile").rglob("README.md")),
    ]


def test_links_lead_to_files():
    broken = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in pages()
        for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text())
        if leads_nowhere(page, target)
    ]
    assert not broken


EXAMPLES = (
    "targets/NAME/target.py",
    "cli/verb.py",
    "verb_object.py",
    "test_verb.py",
    "devices/kind.py",
    "models/family.py",
)


def test_named_sources_exist():
    """Check each `folder/file.py` of a page, except the new files that recipes ask for."""
    folders = ("benchmarks", "cpp", "examples", "mobile", "python", "tests", "tools")
    files = [
        str(path.relative_to(ROOT))
        for folder in folders
        for path in (ROOT / folder).rglob("*")
        if path.suffix in (".py", ".sh", ".cpp", ".h", ".c")
    ]
    missing = [
        f"{page.relative_to(ROOT)}: {name}"
        for page in pages()
        for name in re.findall(r"`([\w.-]+(?:/[\w.-]+)+\.(?:py|sh|cpp|c))`", page.read_text())
        if not name.endswith(EXAMPLES) and not any(f"/{f}".endswith(f"/{name}") for f in files)
    ]
    assert not missing


def test_readme_links_every_page():
    pages = {f"docs/{page.name}" for page in (ROOT / "docs").glob("*.md")}
    assert pages <= set(re.findall(r"\]\((docs/\w+\.md)\)", README))
