"""`hvit-edge profile`: the format of its output, its file, its errors; no time is asserted."""

import json

import pytest

from hvit_edge.cli import main


def test_json(artifact, capsys):
    arguments = f"profile {artifact} --iterations 3 --warmup 1 --threads 1 --format json"
    assert main(arguments.split()) == 0
    out, err = capsys.readouterr()
    report = json.loads(out)
    assert err == ""
    assert (report["iterations"], report["warmup"], report["threads"]) == (3, 1, 1)
    assert (report["unit"], report["device"]) == ("ns", "local")
    operators = report["operators"]
    costs = sum(each["cost"] for each in operators)
    assert report["total"] == pytest.approx(costs + report["outside"])
    assert sum(each["share"] for each in operators) == pytest.approx(costs / report["total"])
    # The bundled model has two products in each of nine attentions, and the head is last.
    products = [each for each in operators if each["name"].startswith("Batch Matrix Multiply")]
    assert len(products) == 18
    assert {each["group"] for each in products} == {"gemm"}
    assert products[0]["module"] == "stages.2.1.transformer.0.attn"
    assert operators[-1]["module"] == "head"
    depthwise = [each["module"] for each in operators if each["group"] == "depthwise"]
    assert len(depthwise) == 7
    assert depthwise[0] == "stages.0.0.depthwise.conv"
    assert sum(each["module"] is None for each in operators) < 0.05 * len(operators)


def test_text(artifact, capsys):
    assert main(["profile", str(artifact), "--iterations", "2", "--warmup", "0", "--top", "3"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"{artifact} on local: ") and " ms, medians of 2 runs" in lines[0]
    assert lines[2].split() == ["operator", "module", "ms", "share"]
    assert "more operators" in lines[6] and "outside of operators" in lines[7]
    assert lines[9].split() == ["kind", "ms", "share"]


def test_flame_chart(artifact, capsys, tmp_path):
    chart = tmp_path / "chart.html"
    arguments = ["profile", str(artifact), "--iterations", "1", "--warmup", "0"]
    assert main([*arguments, "--html", str(chart)]) == 0
    page = chart.read_text()
    assert page.startswith("<!DOCTYPE html>") and "stages.2.1.transformer.0.attn" in page
    assert f"flame chart: {chart}" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == [chart]
    chart.write_text("mine")
    assert main([*arguments, "--html", str(chart)]) == 2
    assert "expected a new file, got an existing one" in capsys.readouterr().err
    assert chart.read_text() == "mine"
    assert main([*arguments, "--html", str(chart), "--force"]) == 0
    assert chart.read_text().startswith("<!DOCTYPE html>")


@pytest.mark.parametrize("option", ["--iterations 0", "--warmup -1", "--top 0"])
def test_impossible_counts_are_refused(capsys, option):
    assert main(["profile", "a.pte", *option.split()]) == 2
    assert f"argument {option.split()[0]}: expected a whole number" in capsys.readouterr().err


def test_a_file_that_is_none(capsys, tmp_path):
    chart = tmp_path / "chart.html"
    assert main(["profile", str(tmp_path / "no.pte"), "--html", str(chart)]) == 2
    assert "no such file" in capsys.readouterr().err
    assert not chart.exists()
