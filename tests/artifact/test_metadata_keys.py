"""The metadata fields that Python writes, C++ reads and docs/artifact.md defines are the same."""

import re
from pathlib import Path
from typing import get_args, get_type_hints

import hvit_edge.artifact
from hvit_edge.artifact.metadata import SOURCES
from hvit_edge.preprocess import Preprocess

ROOT = Path(__file__).parents[2]
ONLY_IN_PYTHON = {
    *SOURCES.values(),
    "hve_graph_output",
    "hve_graph_output_0",
    "hve_graph_sqnr",
}
"""Fields that the C++ runtime ignores."""


def keys_in(*texts):
    """Every field in quotes; one of a row of tensors stands for all, as `hve_golden_input_0`."""
    found = {key for text in texts for key in re.findall(r'f?"(hve_\w+?(?:_\{\w+\})*)"', text)}
    found |= {key for text in texts for key in re.findall(r'"(hve_golden_\w+_)"', text)}
    return {re.sub(r"_(\{\w+\})?$", "_0", key) for key in found}


def runtime_keys():
    sources = sorted((ROOT / "cpp/src").rglob("*.cpp"))
    return keys_in(*(source.read_text() for source in sources))


def writer_keys():
    package = Path(hvit_edge.artifact.__file__).parent
    files = ("container.py", "metadata.py", "task_fields.py")
    keys = keys_in(*((package / name).read_text() for name in files))
    sides = {f"hve_golden_{side}_0" for side in ("input", "output")}
    return {key for key in keys if "{" not in key} | sides


def test_the_runtime_reads_what_is_written():
    assert runtime_keys() == writer_keys() - ONLY_IN_PYTHON


def test_every_field_of_python_alone_is_written():
    assert writer_keys() >= ONLY_IN_PYTHON


def test_the_documentation_defines_every_field():
    defined = re.findall(r"`(hve_\w+)`", (ROOT / "docs/artifact.md").read_text())
    assert set(defined) - {"hve_compute_units"} == writer_keys()


def test_choices_are_in_the_order_of_the_enumerations_of_the_runtime():
    text = (ROOT / "cpp/src/artifact/read_metadata.cpp").read_text()
    headers = (ROOT / "cpp/include/hvit_edge/preprocess.h").read_text()
    for field, enumeration in (("resize", "Resize"), ("interpolation", "Interpolation")):
        listed = re.search(rf'choice\(reader, "hve_{field}", {{([^}}]*)}}', text)[1]
        names = re.findall(r'"([\w-]+)"', listed)
        body = re.search(rf"enum class {enumeration}[^{{]*{{([^}}]*)}}", headers)[1]
        body = re.sub(r"//[^\n]*", "", body)
        members = [re.match(r"\s*(\w+)", member)[1] for member in body.split(",") if member.strip()]
        assert members == [name.replace("-", "_") for name in names]
        assert set(names) == set(get_args(get_type_hints(Preprocess)[field]))
