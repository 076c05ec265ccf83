"""Ten thousand images on four nodes, one of which is killed in the middle."""

import threading
from pathlib import Path

import numpy as np
import pytest

from hvit_edge.evaluate.accuracy import evaluate

pytestmark = pytest.mark.nightly
ARTIFACT = Path(__file__).parents[2] / "cpp/tests/data/tiny_native_v1.pte"
COUNT, CLASSES = 10_000, 7


@pytest.fixture
def data(tmp_path):
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (COUNT, 32, 24, 3), np.uint8)
    np.savez(tmp_path / "d.npz", images=images, labels=random.integers(0, CLASSES, COUNT))
    return tmp_path / "d.npz"


def test_the_report_is_that_of_one_process(nodes, connected, data):
    local = evaluate(ARTIFACT, data, workers=2, threads=1)
    lost, _ = nodes.add(), nodes.add()
    cluster = connected(workers=4)
    assert cluster.nodes == 4
    killers = []

    def progress(outcomes, total):
        for place, outcome in enumerate(outcomes):
            if place == COUNT // 3:
                killers.append(threading.Thread(target=nodes.kill, args=[lost]))
                killers[0].start()
            yield outcome

    spread = evaluate(ARTIFACT, data, cluster=cluster, batch=16, progress=progress)
    killers[0].join()
    assert spread.to_dict() == local.to_dict()
    assert spread.answers == local.answers
    assert cluster.done == COUNT
