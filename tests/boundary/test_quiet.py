"""Only the output of libraries is dropped, and only in threads that run this package."""

import copy
import logging
import os
import threading
import types
import warnings

import pytest

from hvit_edge.boundary.quiet import quiet, quiet_stderr

SPEAK = """
import copy, logging, warnings
def warn(text, category=UserWarning):
    warnings.warn(text, category, stacklevel=2)
def log(text):
    logging.getLogger(__name__).warning(text)
def log_at_root(text):
    logging.warning(text)
"""


def speaker(name: str) -> types.ModuleType:
    """Return a module with a given name that warns and logs."""
    module = types.ModuleType(name)
    exec(SPEAK, vars(module))
    return module


LIBRARY, USER, OURS = speaker("torch.nn"), speaker("my_network"), speaker("hvit_edge.weights")


@pytest.fixture
def said(caplog):
    """Return a function from a call to the texts of its warnings and log records in `quiet`."""

    def listen(call) -> list[str]:
        caplog.clear()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            with quiet():
                call()
        return [str(one.message) for one in caught] + [r.getMessage() for r in caplog.records]

    return listen


def test_libraries_are_dropped(said):
    assert said(lambda: LIBRARY.warn("w")) == []
    assert said(lambda: LIBRARY.warn("d", FutureWarning)) == []
    assert said(lambda: LIBRARY.log("l")) == []
    assert said(lambda: LIBRARY.log_at_root("r")) == []


@pytest.mark.parametrize("module", [USER, OURS], ids=["user", "ours"])
def test_users_and_our_own_words_stay(said, module):
    assert said(lambda: module.warn("w")) == ["w"]
    assert said(lambda: module.log("l")) == ["l"]
    assert said(lambda: module.log_at_root("r")) == ["r"]


def test_filters_that_make_errors_of_warnings_do_not_reach_libraries():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with quiet():
            LIBRARY.warn("w")
            with pytest.raises(UserWarning):
                USER.warn("w")


def test_what_libraries_log_can_be_asked_for(said, monkeypatch):
    monkeypatch.setenv("TORCH_LOGS", "+export")
    assert said(lambda: LIBRARY.log("l")) == ["l"]


def test_filters_and_logging_are_as_before():
    before = copy.copy(warnings.filters), logging.Logger.callHandlers, logging.root.level
    with quiet(), quiet():
        warnings.filterwarnings("ignore", message="of a library")
    assert (warnings.filters, logging.Logger.callHandlers, logging.root.level) == before
    with pytest.raises(KeyError), quiet():
        raise KeyError
    assert (warnings.filters, logging.Logger.callHandlers, logging.root.level) == before


def test_a_handler_that_a_library_brought_about_is_removed(monkeypatch):
    monkeypatch.setattr(logging.root, "handlers", [])
    with quiet():
        LIBRARY.log_at_root("installs a handler")
    assert logging.root.handlers == []


def test_other_threads_are_not_touched(caplog):
    inside, done = threading.Event(), threading.Event()

    def work() -> None:
        with quiet():
            inside.set()
            done.wait(20)
            LIBRARY.warn("dropped")

    thread = threading.Thread(target=work)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        thread.start()
        assert inside.wait(20)
        LIBRARY.warn("shown")
        LIBRARY.log("logged")
        with quiet():
            LIBRARY.warn("dropped too")
        done.set()
        thread.join(20)
    assert [str(one.message) for one in caught] == ["shown"]
    assert [record.getMessage() for record in caplog.records] == ["logged"]


def test_stderr_of_c_code_is_dropped_and_comes_back(capfd):
    with quiet_stderr():
        os.write(2, b"dropped\n")
    os.write(2, b"shown\n")
    assert capfd.readouterr().err == "shown\n"
