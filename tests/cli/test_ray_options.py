"""Options of a Ray cluster that are refused before anything starts."""

import pytest

from hvit_edge.cli import main


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--ray-address", "auto"], "--ray-address: expected together with --on ray"),
        (["--on", "ray"], "--on ray: expected --precision auto, which measures layers and plans"),
        (["--on", "ray", "--precision", "fp16"], "measures layers and plans, got fp16"),
        (["--on", "cluster"], "expected local or ray, got 'cluster'"),
    ],
)
def test_refusals_of_compile(capsys, options, message):
    assert main(["compile", "mobilevit_xxs", "--weights", "cifar10", *options]) == 2
    out, err = capsys.readouterr()
    assert out == "" and message in err


def test_both_verbs_explain_the_options(capsys):
    for verb, what in (("eval", "spread the images"), ("compile", "measure layers and plans")):
        assert main([verb, "--help"]) == 0
        text = " ".join(capsys.readouterr().out.split())
        assert f"ray: {what}" in text or f"ray: auto: {what}" in text
        assert "--ray-address ADDRESS" in text
