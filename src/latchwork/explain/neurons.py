"""Which units follow something readable: ranked by how well a plain rule predicts them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latchwork.errors import InputError
from latchwork.explain.trace import trace
from latchwork.network import Network

Rule = NDArray[np.float64]
QUOTES = '"“”«»'


class Neuron(NamedTuple):
    """A unit and the rule that it follows best.

    Attributes:
        layer: the layer's name in the trace.
        unit: its number there.
        rule: the rule's name.
        score: share of the unit's variance that the rule explains on the half of the steps that it was not fitted
            on; 1 is perfect, 0 or less is nothing.
    """

    layer: str
    unit: int
    rule: str
    score: float


def neurons(network: Network, data: ArrayLike, rules: Mapping[str, ArrayLike] | None = None) -> list[Neuron]:
    """The network's units, those first that follow a readable rule most closely.

    Args:
        network: a built network.
        data: sequences of equal length `[batch, time, features]` or tokens `[batch, time]`; one sequence is a batch
            of one.
        rules: by name, what a unit might follow: a number for every step `[batch, time]` or `[time]`. Where None, the
            position in the sequence and, for numbers, their level, change and running mean; see `text_rules` and
            `season_rules` for more.

    Returns:
        The best rule of each unit, by falling score.

    Example:
        >>> text = "He said: \\"yes\\".\\n" * 50
        >>> neurons(model.network_, model.encode(text), text_rules(text))[0].rule  # doctest: +SKIP
        'inside quotes'
    """
    array = np.asarray(data)
    found = trace(network, array)
    shape = next(iter(found.layers.values()))["hidden"].shape[:-1]
    followed = {name: _broadcast(name, rule, shape) for name, rule in (rules or plain_rules(array)).items()}
    if not followed:
        raise InputError("got no rules: give at least one number for every step, by name")
    best: list[Neuron] = []
    for layer, arrays in found.layers.items():
        activity = arrays["hidden"].reshape(-1, arrays["hidden"].shape[-1]).astype(np.float64)
        scores = {name: _explained(rule.reshape(-1), activity) for name, rule in followed.items()}
        for unit in range(activity.shape[1]):
            name = max(scores, key=lambda name: scores[name][unit])
            best.append(Neuron(layer, unit, name, float(scores[name][unit])))
    return sorted(best, key=lambda neuron: -neuron.score)


def plain_rules(data: NDArray[np.floating] | NDArray[np.integer]) -> dict[str, Rule]:
    """What can be read from numbers alone: position; and of the mean over features, level, change and running mean."""
    tokens = np.issubdtype(data.dtype, np.integer)
    steps = data.shape[-1] if tokens else data.shape[-2]
    rules: dict[str, Rule] = {"position": np.arange(steps, dtype=np.float64)}
    if tokens:
        return rules
    level = data.mean(axis=-1, dtype=np.float64)
    change = np.diff(level, axis=-1, prepend=level[..., :1])
    return rules | {"level": level, "change": change, "running mean": level.cumsum(axis=-1) / np.arange(1, steps + 1)}


def text_rules(text: str | Sequence[str]) -> dict[str, Rule]:
    """For every token of a text (each letter of a string): the position in its line and word, quotes, and kinds."""
    quotes, line, word = False, 0, 0
    rows: list[dict[str, float]] = []
    for token in text:
        quotes ^= any(letter in QUOTES for letter in token)
        rows.append(
            {
                "position in line": line,
                "position in word": word,
                "inside quotes": quotes,
                "line's start": line == 0,
                "word's start": word == 0 and token.isalpha(),
                "capital": token.isupper(),
                "vowel": token.lower() in tuple("aeiou"),
                "space": token.isspace(),
            }
        )
        line = 0 if "\n" in token else line + 1
        word = word + 1 if token.isalpha() else 0
    return {name: np.array([row[name] for row in rows], np.float64) for name in rows[0]} if rows else {}


def season_rules(steps: int, period: int) -> dict[str, Rule]:
    """Where in the season each of `steps` stands: how far from its start, and how far from its first quarter."""
    angle = 2 * np.pi * np.arange(steps) / period
    return {"season": np.cos(angle), "season, a quarter later": np.sin(angle), "trend": np.arange(steps, dtype=float)}


def _broadcast(name: str, rule: ArrayLike, shape: tuple[int, ...]) -> Rule:
    values = np.asarray(rule, np.float64)
    try:
        return np.broadcast_to(values, shape)
    except ValueError:
        raise InputError(f"the rule {name!r} has shape {values.shape}, expected one number a step: {shape}") from None


def _explained(rule: Rule, activity: NDArray[np.float64]) -> NDArray[np.float64]:
    """R squared of each unit by a line in the rule, fitted on every other block of steps and scored on the rest."""
    block = np.arange(len(rule)) * 8 // len(rule) % 2 == 0
    terms = np.stack([rule, np.ones_like(rule)], axis=1)
    line, *_ = np.linalg.lstsq(terms[block], activity[block], rcond=None)
    rest = activity[~block]
    residual = np.square(rest - terms[~block] @ line).sum(axis=0)
    total = np.square(rest - rest.mean(axis=0)).sum(axis=0)
    return 1 - residual / np.maximum(total, 1e-12)
