"""Check that docs/embedding.md shows the programs that the C++ tests build and run."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
GUIDE = (ROOT / "docs/embedding.md").read_text()


@pytest.mark.parametrize(
    "language, files", [("cpp", ["main.cpp", "stream.cpp"]), ("c", ["main.c"])]
)
def test_shows_the_consumers(language, files):
    shown = re.findall(rf"```{language}\n(.*?)```", GUIDE, flags=re.DOTALL)
    assert shown == [(ROOT / "cpp/tests/consumer" / file).read_text() for file in files]


def test_names_the_abi():
    header = (ROOT / "cpp/include/hvit_edge/c_api.h").read_text()
    (version,) = re.findall(r"^#define HVE_ABI_VERSION (\d+)$", header, flags=re.MULTILINE)
    assert f"`libhvit_edge_c.so.{version}`" in GUIDE
