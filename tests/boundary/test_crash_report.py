"""The report of a failure has the details, and no secrets."""

from pathlib import Path

import pytest

from hvit_edge import __version__
from hvit_edge.boundary import crash_report
from hvit_edge.boundary.crash_report import how_to_report, report_text, write_report


def failure() -> Exception:
    try:
        try:
            raise KeyError("inner")
        except KeyError as inner:
            raise ValueError("outer") from inner
    except ValueError as error:
        return error


def test_the_report_names_command_versions_and_both_exceptions():
    text = report_text(failure(), ["compile", "a model", "-o", "x.pte"], "hvit-edge compile")
    lines = text.splitlines()
    assert lines[0] == "command: hvit-edge compile 'a model' -o x.pte"
    assert lines[1] == "doing: hvit-edge compile"
    assert any(line.startswith(f"versions: hvit-edge {__version__}, Python 3.") for line in lines)
    assert "KeyError: 'inner'" in lines and "ValueError: outer" in lines
    assert "in failure" in text


def test_secrets_of_environment_command_and_message_are_hidden(monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "a-token-of-mine")
    monkeypatch.setenv("MY_SETTING", "harmless-setting")
    error = ValueError("GET https://me:pass@host/x?token=abc123&b=1 with a-token-of-mine")
    command = ["compile", "--weights", "hf_AbCdEfGhIjKl", "password=correcthorse"]
    text = report_text(error, command, "hvit-edge compile")
    for secret in ("a-token-of-mine", "me:pass", "abc123", "hf_AbCdEfGhIjKl", "correcthorse"):
        assert secret not in text
    assert "https://***@host/x?token=***&b=1 with ***" in text
    assert "MY_SETTING" not in text and "harmless-setting" not in text


def test_long_messages_are_cut():
    text = report_text(ValueError("x" * 100_000), [], "hvit-edge")
    assert len(text) < 5_000
    assert len(report_text(ValueError("y\n" * 100_000), [], "hvit-edge").splitlines()) == 2000


def test_where_it_cannot_be_written_there_is_no_path(monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "none"))
    assert write_report(ValueError(), [], "hvit-edge") is None
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    path = write_report(ValueError("caf\udce9"), [], "hvit-edge")
    assert Path(path).parent == tmp_path and "caf\\udce9" in Path(path).read_text()


@pytest.mark.parametrize(
    ("urls", "expected"),
    [
        (None, "report it to hvit-edge's issue tracker"),
        (["Homepage, https://h"], "report it to hvit-edge's issue tracker"),
        (["Homepage, https://h", "Issues, https://h/i"], "report it at https://h/i"),
    ],
)
def test_the_tracker_is_the_packages_own(monkeypatch, urls, expected):
    class Metadata:
        def get_all(self, name):
            return urls

    monkeypatch.setattr(crash_report.importlib.metadata, "metadata", lambda name: Metadata())
    assert how_to_report() == expected
