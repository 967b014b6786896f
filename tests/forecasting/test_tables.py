"""Random tables of known content are read exactly, or refused or asked about in words: never misread in silence."""

from collections import Counter

import pytest
from tables import judge, make

SEEDS = 1_000_000  # the gate's tables are others than the proof's


def judged(seeds, path):
    """How many tables came out in each way; fails with the first that was misread."""
    outcomes = Counter()
    for seed in seeds:
        made = make(seed)
        outcome = judge(made, path)
        kind = outcome.split(":")[0]
        assert kind in {"right", "refused", "asked"}, f"seed {seed}: {outcome}; {made.how}"
        outcomes[kind] += 1
    return outcomes


def test_two_hundred_random_tables(tmp_path):
    outcomes = judged(range(SEEDS, SEEDS + 200), tmp_path / "table.csv")
    assert outcomes["right"] > 180
    assert outcomes["refused"] < 10


@pytest.mark.proof
def test_five_thousand_random_tables(tmp_path):
    outcomes = judged(range(5000), tmp_path / "table.csv")
    assert outcomes["right"] > 4500
    assert outcomes["refused"] < 100


def test_the_judge_sees_a_wrong_value_a_wrong_time_and_a_wrong_name(tmp_path):
    made = make(SEEDS)
    name, values = next(iter(made.values.items()))
    path = tmp_path / "table.csv"
    assert judge(made, path) == "right"
    changed = [
        {**made.values, name: values * 1.001},
        {f"{n} more" if len(made.values) > 1 else n: v for n, v in made.values.items()} | {"another": values},
    ]
    for wrong in changed:
        assert judge(type(made)(made.data, made.times, wrong, made.frequency, made.how), path) not in {"right", "asked"}
    later = type(made)(made.data, made.times + 86400, made.values, made.frequency, made.how)
    assert "times" in judge(later, path)
