"""The example of docs/own_modules.md compiles a segmenter and a detector."""

import re
from pathlib import Path

import hvit_edge

PAGE = Path(__file__).parents[2] / "docs/own_modules.md"


def test_the_example_of_other_tasks_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (example,) = re.findall(r"<!-- tasks -->\n```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    exec(compile(example, str(PAGE), "exec"), {"__name__": "example"})
    segmenter, detector = (
        hvit_edge.Session(f"{name}.pte").metadata for name in ("segmenter", "detector")
    )
    assert (segmenter.task, segmenter.colors[1]) == ("segment", "#ff0000")
    assert (detector.task, detector.detect.score_threshold) == ("detect", 0.4)
    assert len(detector.detect.anchors) == 16 * 24
