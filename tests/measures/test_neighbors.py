"""Recall of embeddings, against a search in plain Python."""

import math

import numpy as np
import pytest

from hvit_edge.errors import InputError
from hvit_edge.measures import neighbors
from hvit_edge.measures.neighbors import cosine, rank_neighbors

LINE = np.array([(1, 0), (1, 0.1), (1, 0.3), (0, 1)])


def test_ranks_by_hand():
    found = rank_neighbors(LINE, [0, 1, 0, 1])
    # From the first: class 1, then class 0. From the last: class 0, then class 1.
    assert found.ranks.tolist() == [1, 2, 1, 1]
    assert [found.recall(k) for k in (1, 2, 3)] == [0, 0.75, 1]
    assert (found.recall_of(1, 2), found.recall_of(0, 2), found.queries) == (0.5, 1, 4)


def test_an_image_alone_in_its_class_asks_nothing():
    found = rank_neighbors(LINE, [0, 0, 0, 1])
    assert found.ranks.tolist() == [0, 0, 0, -1]
    assert (found.queries, found.recall(1), found.recall_of(1, 3)) == (3, 1, None)


def test_equal_embeddings_recall_nothing():
    found = rank_neighbors(np.ones((4, 3)), [0, 0, 1, 1])
    assert found.ranks.tolist() == [2, 2, 2, 2]
    zeros = rank_neighbors(np.zeros((4, 3)), [0, 0, 1, 1])
    assert zeros.ranks.tolist() == [2, 2, 2, 2]


def test_recall_in_blocks_is_that_of_a_plain_search(monkeypatch):
    monkeypatch.setattr(neighbors, "BLOCK", 7)
    random = np.random.default_rng(2)
    vectors, labels = random.normal(size=(40, 5)), random.integers(0, 6, 40)

    def hits(query: int, k: int) -> bool:
        others = [i for i in range(40) if i != query]
        others.sort(key=lambda i: -cosine(vectors[query], vectors[i]))
        return labels[query] in labels[others[:k]]

    found = rank_neighbors(vectors, labels)
    asked = [i for i in range(40) if (labels == labels[i]).sum() > 1]
    for k in (1, 3, 10):
        assert found.recall(k) == pytest.approx(sum(hits(i, k) for i in asked) / len(asked))


def test_cosine_by_hand():
    assert cosine(np.array([1.0, 0]), np.array([1.0, 1])) == pytest.approx(math.sqrt(0.5))
    assert cosine(np.array([[3.0, 4]]), np.array([6.0, 8])) == pytest.approx(1)
    assert cosine(np.zeros(2), np.ones(2)) == 0


@pytest.mark.parametrize(
    ("vectors", "labels", "message"),
    [
        (np.ones((2, 3)), [0], r"one embedding for each label, got \[2, 3\] and 1 labels"),
        (np.ones(3), [0, 0, 0], r"one embedding for each label, got \[3\]"),
        (np.array([[1, np.nan], [1, 1]]), [0, 0], "finite embeddings, got NaN .* at position 0"),
        (np.ones((2, 3)), [0, 1], "a class with at least two images, got one of each"),
        (np.ones((0, 3)), [], "a class with at least two images"),
    ],
)
def test_embeddings_that_cannot_be_ranked_are_refused(vectors, labels, message):
    with pytest.raises(InputError, match=rf"\[neighbors\].*{message}"):
        rank_neighbors(vectors, labels)
