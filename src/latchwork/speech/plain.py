"""Two plain ways of telling words apart, without a network: what a recogniser has to beat."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from latchwork.speech.loading import Utterance
from latchwork.transforms.cepstra import Cepstra

TAKES = 12  # of each text that are compared with, spread over the speakers
EVERY = 2  # frames: 20 ms
THIRDS = 3  # parts of a recording whose statistics are taken apart
RIDGE = 1.0  # the pull towards small weights, of standardised statistics

Frames = NDArray[np.float32]


def nearest_take(known: Sequence[Utterance], asked: Sequence[Utterance], features: Cepstra) -> list[str]:
    """The text of the take that is nearest when time may be stretched (dynamic time warping: Sakoe & Chiba, 1978)."""
    chosen = spread(known, TAKES)
    takes = [_cepstra(each, features) for each in chosen]
    lengths = np.array([len(take) for take in takes])
    padded = np.zeros((len(takes), lengths.max(), takes[0].shape[1]), np.float32)
    for place, take in enumerate(takes):
        padded[place, : len(take)] = take
    squares = np.square(padded).sum(axis=2)
    answers: list[str] = []
    for each in asked:
        own = _cepstra(each, features)
        between = (
            squares[:, None, :] + np.square(own).sum(axis=1)[None, :, None] - 2 * (own @ padded.transpose(0, 2, 1))
        )
        distances = warped_distances(np.sqrt(np.maximum(between, 0)), lengths)
        answers.append(chosen[int(distances.argmin())].text)
    return answers


def warped_distances(costs: Frames, lengths: NDArray[np.integer]) -> NDArray[np.float64]:
    """The mean cost of the cheapest monotone path through each table.

    Args:
        costs: `[takes, steps, longest]`, between each step asked about and each of a take.
        lengths: of the takes.

    Example:
        >>> float(warped_distances(1 - np.eye(3, dtype=np.float32)[None], np.array([3]))[0])
        0.0
    """
    count, steps, longest = costs.shape
    best = np.full((count, steps, longest), np.inf)
    for diagonal in range(steps + longest - 1):
        rows = np.arange(max(0, diagonal - longest + 1), min(steps, diagonal + 1))
        columns = diagonal - rows
        before = np.full((3, count, len(rows)), np.inf)
        up, left = rows > 0, columns > 0
        before[0][:, up] = best[:, rows[up] - 1, columns[up]]
        before[1][:, left] = best[:, rows[left], columns[left] - 1]
        both = up & left
        before[2][:, both] = best[:, rows[both] - 1, columns[both] - 1]
        least = before.min(axis=0)
        if diagonal == 0:
            least[:] = 0
        best[:, rows, columns] = least + costs[:, rows, columns]
    return best[np.arange(count), steps - 1, lengths - 1] / (steps + lengths)


def linear(known: Sequence[Utterance], asked: Sequence[Utterance], features: Cepstra) -> list[str]:
    """By a ridge regression on the cepstra's mean and spread in each third of a recording."""
    texts = sorted({each.text for each in known})
    inputs = np.stack([_statistics(each, features) for each in known])
    centre, scale = inputs.mean(axis=0), inputs.std(axis=0) + 1e-6
    standard = (inputs - centre) / scale
    wanted = np.array([[each.text == text for text in texts] for each in known], np.float64)
    weights = np.linalg.solve(
        standard.T @ standard + RIDGE * len(known) ** 0.5 * np.eye(standard.shape[1]),
        standard.T @ (wanted - wanted.mean(axis=0)),
    )
    scores = [(_statistics(each, features) - centre) / scale @ weights + wanted.mean(axis=0) for each in asked]
    return [texts[int(score.argmax())] for score in scores]


def spread(utterances: Sequence[Utterance], takes: int) -> list[Utterance]:
    """At most so many takes of each text, from as many speakers as there are."""
    by_text: dict[str, dict[str, list[Utterance]]] = {}
    for each in utterances:
        by_text.setdefault(each.text, {}).setdefault(each.speaker, []).append(each)
    chosen: list[Utterance] = []
    for speakers in by_text.values():
        rounds = max(map(len, speakers.values()))
        in_turn = [own[at] for at in range(rounds) for own in speakers.values() if at < len(own)]
        chosen += in_turn[:takes]
    return chosen


def _cepstra(each: Utterance, features: Cepstra) -> Frames:
    """Cepstra and their slopes, every 20 ms."""
    own = replace(features, stack=1).transform(each.samples)
    return own[::EVERY, : 2 * features.coefficients]


def _statistics(each: Utterance, features: Cepstra) -> NDArray[np.float64]:
    own = replace(features, stack=1).transform(each.samples).astype(np.float64)
    thirds = [part for part in np.array_split(own, THIRDS) if len(part)]
    thirds += [own[-1:]] * (THIRDS - len(thirds))
    return np.concatenate(
        [*(part.mean(axis=0) for part in thirds), *(part.std(axis=0) for part in thirds), [np.log(len(own))]]
    )
