"""`hvit-edge inspect`."""

import json

from hvit_edge import __version__
from hvit_edge.cli import main
from hvit_edge.inspection import programs as inspection


def test_json(artifact, capsys):
    assert main(["inspect", str(artifact), "--format", "json"]) == 0
    out, err = capsys.readouterr()
    facts = json.loads(out)
    assert err == ""
    assert facts["path"] == str(artifact)
    assert facts["bytes"] == artifact.path.stat().st_size
    assert facts["inputs"] == [{"dtype": "float32", "shape": [1, 3, 64, 64]}]
    assert facts["outputs"] == [{"dtype": "float32", "shape": [1, 10]}]
    assert facts["delegates"] == {"XnnpackBackend": 1}
    assert facts["ops_outside"] == {}
    assert facts["planned_memory_bytes"] > 0
    metadata = facts["metadata"]
    assert (metadata["model_name"], metadata["target"]) == ("mobilevit_xxs", "xnnpack")
    assert metadata["versions"]["hvit-edge"] == __version__
    assert len(metadata["labels"]) == 10 and len(metadata["weights_sha256"]) == 64
    assert metadata["preprocess"]["input_size"] == [64, 64]
    assert metadata["parity"] == artifact.report["parity"]
    assert metadata["layers"] == []
    assert metadata["preprocess_source"] == metadata["labels_source"] == "bundled cifar10"
    assert metadata["weights_key"] == ""
    assert artifact.report["preprocess_source"] == "bundled cifar10"
    assert artifact.report["preprocess"]["input_size"] == [64, 64]
    assert artifact.report["notes"] == []


def test_text(artifact, capsys):
    assert main(["inspect", str(artifact)]) == 0
    lines = capsys.readouterr().out.splitlines()
    values = {line[2:23].strip(): line[23:] for line in lines}
    assert values["delegates"] == "1 XnnpackBackend"
    assert values["operators outside"] == "none"
    assert values["inputs"] == "float32 [1, 3, 64, 64]"
    assert values["labels"] == "10: airplane, automobile, bird, cat, deer, ..."
    assert values["model"] == "mobilevit_xxs"
    assert [line.strip() for line in lines].count("(from bundled cifar10)") == 2
    assert values["layers"] == "no record"
    assert values["target"] == "xnnpack, fp32"


def test_says_what_was_assumed_and_chosen(artifact, capsys, monkeypatch):
    facts = inspection.describe(artifact.path)
    said = {"preprocess_source": "assumed: default of mobilevit_xxs", "weights_key": "ema"}
    facts["metadata"] |= said | {"weights_source": "best.pth.tar", "labels_source": ""}
    monkeypatch.setattr(inspection, "describe", lambda path: facts)
    assert main(["inspect", str(artifact)]) == 0
    out = capsys.readouterr().out
    assert "(assumed: default of mobilevit_xxs)\n" in out
    assert "  weights              best.pth.tar, key ema\n" in out


def test_says_what_failed_when_it_was_lowered(artifact, capsys, monkeypatch):
    facts = inspection.describe(artifact.path)
    left_out = "fold_scale\tKeyError: 'scale'\nreplace_mean\tit changes the answer"
    facts["metadata"] |= {"rewrites_left_out": left_out, "fallback": "LoweringError: no"}
    monkeypatch.setattr(inspection, "describe", lambda path: facts)
    assert main(["inspect", str(artifact)]) == 0
    out = capsys.readouterr().out
    assert "  rewrites left out    fold_scale: KeyError: 'scale'\n" in out
    assert "                       replace_mean: it changes the answer\n" in out
    assert "  lowered plainly      LoweringError: no\n" in out


def test_names_the_cpu_that_a_program_is_shaped_for(artifact, capsys, monkeypatch):
    facts = inspection.describe(artifact.path)
    facts["metadata"]["cpu"] = "arm"
    monkeypatch.setattr(inspection, "describe", lambda path: facts)
    assert main(["inspect", str(artifact)]) == 0
    assert "xnnpack, fp32, shaped for arm\n" in capsys.readouterr().out
