"""Check rounds, ratios and spreads, with stand-ins that count their turns; nothing is timed."""

import statistics

import numpy as np
import pytest


@pytest.fixture
def interleave(load):
    return load("measure/interleave.py")


class Counts:
    """Returns increasing times, and records its turns; it fails in the requested turn."""

    def __init__(self, name, log, fails=None):
        self.name, self.log, self.fails = name, log, fails

    def turn(self, runs, warmup):
        from measure.workers import WorkerError

        self.log.append(self.name)
        turns = self.log.count(self.name)
        if turns == self.fails:
            raise WorkerError("out of memory")
        return [float(turns)] * runs


def rounds_of(interleave, names, seed=0, **failing):
    log = []
    contestants = {name: Counts(name, log, failing.get(name)) for name in names}
    times, failed = interleave.interleave(contestants, rounds=4, runs=3, warmup=1, seed=seed)
    return log, times, failed


def test_every_round_has_one_turn_of_each_in_a_new_order(interleave):
    log, times, failed = rounds_of(interleave, "abcdef")
    rounds = [log[start : start + 6] for start in range(0, 24, 6)]
    assert all(sorted(each) == list("abcdef") for each in rounds)
    assert len({tuple(each) for each in rounds}) > 1
    assert times["a"] == [[1.0] * 3, [2.0] * 3, [3.0] * 3, [4.0] * 3]
    assert failed == {}


def test_the_order_follows_from_the_seed(interleave):
    assert rounds_of(interleave, "abcdef")[0] == rounds_of(interleave, "abcdef")[0]
    assert rounds_of(interleave, "abcdef")[0] != rounds_of(interleave, "abcdef", seed=1)[0]


def test_who_fails_has_no_times_and_no_more_turns(interleave):
    log, times, failed = rounds_of(interleave, "abc", b=2)
    assert failed == {"b": "out of memory"}
    assert list(times) == ["a", "c"]
    assert (log.count("b"), log.count("a")) == (2, 4)


def test_summary_of_runs(interleave):
    turns = [[5.0, 1.0, 3.0], [2.0, 9.0, 4.0]]
    found = interleave.summarize(turns)
    every = np.concatenate(turns)
    assert found["runs"] == 6
    assert found["median_ms"] == pytest.approx(np.median(every))
    assert found["p10_ms"] == pytest.approx(np.quantile(every, 0.1))
    assert found["p90_ms"] == pytest.approx(np.quantile(every, 0.9))
    assert found["round_ms"] == [3.0, 4.0]


def test_ratio_is_taken_round_by_round(interleave):
    # The machine was three times slower in the second round, for both.
    assert interleave.ratio([10, 30], [20, 60]) == {"median": 0.5, "p10": 0.5, "p90": 0.5}
    ours, peer = [1.0, 2.0, 3.0, 5.0], [2.0, 2.0, 2.0, 2.0]
    found = interleave.ratio(ours, peer)
    ratios = [a / b for a, b in zip(ours, peer, strict=True)]
    assert found["median"] == statistics.median(ratios)
    assert found["p90"] == pytest.approx(np.quantile(ratios, 0.9))


def test_ratio_of_unequal_rounds_is_refused(interleave):
    with pytest.raises(ValueError):
        interleave.ratio([1.0], [1.0, 2.0])


def test_quantile_of_one_value(interleave):
    assert interleave.quantile([7.0], 0.9) == 7.0
