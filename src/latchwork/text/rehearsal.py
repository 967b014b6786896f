"""What a predictor gives at many places of texts that are known already, read side by side.

A simulated typist's text is no secret to the measure: so a network reads 32 conversations at a time, which takes a
fraction of what it takes to step through one after the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latchwork.core.probabilities import softmax
from latchwork.text.predictor import Mixture, NetworkPredictor, Predictor, Probabilities

_LANES = 32
_SCORES = 1 << 22  # held at a time


def rehearsed(
    predictor: Predictor, texts: Sequence[NDArray[Any]], wanted: Sequence[NDArray[np.int64]]
) -> Iterator[tuple[int, int, Probabilities]]:
    """The probabilities of the next token, `[tokens]`, wherever they are wanted.

    Args:
        predictor: what reads.
        texts: token ids of each text, `[tokens]`.
        wanted: after which of its tokens, in order and from 0 on, something is wanted of each text.

    Yields:
        The text's number, the place, and what comes next there.
    """
    network = predictor.network if isinstance(predictor, Mixture) else predictor
    if not isinstance(network, NetworkPredictor):
        yield from _one_by_one(predictor, texts, wanted)
        return
    order = sorted(range(len(texts)), key=lambda number: -len(texts[number]))  # lanes of like lengths end together
    for first in range(0, len(order), _LANES):
        lanes = [number for number in order[first : first + _LANES] if len(wanted[number])]
        if lanes:
            yield from _side_by_side(predictor, network, lanes, texts, wanted)


def _one_by_one(
    predictor: Predictor, texts: Sequence[NDArray[Any]], wanted: Sequence[NDArray[np.int64]]
) -> Iterator[tuple[int, int, Probabilities]]:
    for number, text in enumerate(texts):
        state, places = predictor.initial_state(), set(wanted[number].tolist())
        for place, token in enumerate(text.tolist()):
            probabilities, state = predictor.step(token, state)
            if place in places:
                yield number, place, probabilities


def _side_by_side(
    predictor: Predictor,
    network: NetworkPredictor,
    lanes: list[int],
    texts: Sequence[NDArray[Any]],
    wanted: Sequence[NDArray[np.int64]],
) -> Iterator[tuple[int, int, Probabilities]]:
    longest = max(len(texts[number]) for number in lanes)
    tokens = np.zeros((len(lanes), longest), np.int64)
    for row, number in enumerate(lanes):
        tokens[row, : len(texts[number])] = texts[number]
    window = max(1, _SCORES // (len(lanes) * network.tokens))
    state = network.initial_states(len(lanes))
    contexts: list[Any] = [predictor.ngram.initial_state() if isinstance(predictor, Mixture) else None] * len(lanes)
    for begin in range(0, longest, window):
        scores, state = network.scores(tokens[:, begin : begin + window], state)
        for row, number in enumerate(lanes):
            places = set(wanted[number].tolist())
            for place in range(begin, min(begin + window, len(texts[number]))):
                asked = place in places
                probabilities = softmax(scores[row, place - begin]) if asked else None
                if isinstance(predictor, Mixture):
                    contexts[row] = predictor.ngram.advance(int(tokens[row, place]), contexts[row])
                    if probabilities is not None:
                        probabilities = predictor.mixed(probabilities, contexts[row])
                if probabilities is not None:
                    yield number, place, probabilities
