"""The limits of plan_limits.py and of cpp/src/native/plan_limits.h are the same."""

import re
from pathlib import Path

from hvit_edge.targets.native import plan_limits

HEADER = Path(__file__).parents[3] / "cpp/src/native/plan_limits.h"


def test_both_languages_have_the_same_limits():
    found = re.findall(r"constexpr std::int64_t k(\w+) = (\d+);", HEADER.read_text())
    theirs = {
        re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).upper(): int(value) for name, value in found
    }
    ours = {name: value for name, value in vars(plan_limits).items() if name.isupper()}
    assert theirs == ours
    assert HEADER.read_text().count("constexpr") == len(ours)
