"""Write cpp/tests/data/tiny_v1.pte, the artifact that the C++ tests load.

    python cpp/tests/make_tiny.py

Run it only when the schema changes, with a new name: the committed file also shows that newer
runtimes read older artifacts.
"""

from __future__ import annotations

import runpy
import shutil
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
TARGET = Path(__file__).parent / "data" / "tiny_v1.pte"


def main() -> None:
    """Build the artifact with the fixture of tests/runtime."""
    fixtures = runpy.run_path(str(ROOT / "tests/runtime/conftest.py"))
    with tempfile.TemporaryDirectory() as folder:
        tiny = fixtures["build_tiny"](Path(folder))
        TARGET.parent.mkdir(exist_ok=True)
        shutil.copyfile(tiny.path, TARGET)
    print(TARGET, TARGET.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
