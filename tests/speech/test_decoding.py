"""The decoder against every path, the measures against counting, the loss against every path too."""

from __future__ import annotations

import itertools
from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from latchwork.speech.decoding import best_symbols
from latchwork.speech.measures import edits, figures, word_error_rate
from latchwork.training import ConnectionistTemporal


def collapsed(path: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(symbol for symbol, _ in itertools.groupby(path) if symbol)


def every_transcript(log_probabilities: np.ndarray) -> dict[tuple[int, ...], float]:
    """The probability of each transcript, by adding up all paths."""
    steps, symbols = log_probabilities.shape
    total: dict[tuple[int, ...], float] = defaultdict(float)
    for path in itertools.product(range(symbols), repeat=steps):
        total[collapsed(path)] += float(np.exp(sum(log_probabilities[at, symbol] for at, symbol in enumerate(path))))
    return total


@pytest.mark.parametrize("seed", range(20))
def test_the_beam_finds_the_likeliest_transcript(seed: int):
    rng = np.random.default_rng(seed)
    scores = 2 * rng.normal(size=(6, 3))
    log_probabilities = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
    total = every_transcript(log_probabilities)
    found, log_probability = best_symbols(log_probabilities, width=64)
    assert found == max(total, key=lambda transcript: total[transcript])
    assert np.exp(log_probability) == pytest.approx(total[found], rel=1e-3)  # what is pruned is left out


def test_a_symbol_counts_twice_only_after_a_blank():
    sure = lambda path: np.log(np.eye(3)[list(path)] * 0.98 + 0.01)  # noqa: E731
    assert best_symbols(sure((1, 1, 2)))[0] == (1, 2)
    assert best_symbols(sure((1, 0, 1, 2)))[0] == (1, 1, 2)
    assert best_symbols(sure((0, 0)))[0] == ()


def test_the_loss_is_minus_the_logarithm_of_all_paths():
    outputs = 2 * np.random.default_rng(0).normal(size=(2, 5, 3))
    lengths, targets = np.array([5, 4]), np.array([[1, 2, 2], [2, -1, -1]])
    expected = []
    for row, length, target in zip(outputs, lengths, targets, strict=True):
        logs = row[:length] - np.log(np.exp(row[:length]).sum(axis=1, keepdims=True))
        real = tuple(int(symbol) for symbol in target if symbol >= 0)
        expected.append(-np.log(every_transcript(logs)[real]) / len(real))
    np.testing.assert_allclose(ConnectionistTemporal()(outputs, targets, lengths), expected, rtol=1e-10)


def test_known_edits():
    assert edits([], ["a"]) == 1 and edits(["a", "b"], []) == 2 and edits(["a"], ["a"]) == 0
    assert word_error_rate(["one two", "three"], ["one too", "three four"]) == pytest.approx(2 / 3)
    assert figures(["a", "b"], ["a", "c"]) == {"word_error_rate": 0.5, "utterance_accuracy": 0.5, "n": 2}


@given(*[st.lists(st.sampled_from("abc"), max_size=6)] * 3)
def test_edits_are_a_distance(a: list[str], b: list[str], c: list[str]):
    assert edits(a, b) == edits(b, a) and (edits(a, b) == 0) == (a == b)
    assert abs(len(a) - len(b)) <= edits(a, b) <= max(len(a), len(b))
    assert edits(a, c) <= edits(a, b) + edits(b, c)
