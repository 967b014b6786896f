"""What each token of a text costs a network, read as several streams side by side."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from latchwork.core.probabilities import log_softmax
from latchwork.text.predictor import NetworkPredictor

_STREAMS = 32
_PRIOR_TOKENS = 100.0  # for the weight of all, in what is said of one kind of token
_SCORES = 1 << 18  # turned into bits at a time
_WARM_UP = 256  # tokens that a stream reads, unscored, before its own begin: by then the state has forgotten its start


def network_bits(predictor: NetworkPredictor, ids: NDArray[Any]) -> NDArray[np.float64]:
    """The cost of each token after those before it, in bits, `[tokens]`; of the first, as if all were alike.

    A long text is read in parts side by side, each from 256 tokens before its own first, which gives the figures of
    one pass to about a thousandth of a bit in a small part of the time.
    """
    tokens = len(ids)
    streams = max(1, min(_STREAMS, tokens // (4 * _WARM_UP)))
    warm_up = _WARM_UP if streams > 1 else 0
    part = -(-(tokens - warm_up) // streams)
    starts = np.arange(streams) * part  # the first stream has no need to warm up: what it reads then is scored too
    scored_from = np.where(starts > 0, warm_up, 1)
    window = max(1, _SCORES // (streams * predictor.tokens))
    state = predictor.initial_states(streams)
    bits = np.zeros(tokens)
    bits[0] = np.log2(predictor.tokens)
    for first in range(0, warm_up + part - 1, window):
        offsets = np.arange(first, min(first + window, warm_up + part - 1))
        places = starts[:, None] + offsets
        # A stream past the text's end reads what is not counted.
        scores, state = predictor.scores(ids[np.minimum(places, tokens - 1)], state)
        after = places + 1
        counted = (offsets + 1 >= scored_from[:, None]) & (after < tokens)
        read = after[counted]
        bits[read] = -log_softmax(scores[counted])[np.arange(len(read)), ids[read]] / np.log(2)
    return bits


def best_share(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """The weight of the second of two models that makes their mixture cheapest, by expectation maximisation.

    Args:
        first: what each token of a text cost the first model, in bits.
        second: what it cost the second.
    """
    one, other = np.exp2(-first), np.exp2(-second)
    share = 0.5
    for _ in range(50):
        share = float(np.mean(share * other / ((1 - share) * one + share * other)))
    return share


def best_shares(
    first: NDArray[np.float64], second: NDArray[np.float64], kind: NDArray[np.int64], kinds: int
) -> NDArray[np.float64]:
    """As `best_share`, a weight for each kind of token, `[kinds]`; kinds seldom seen stay near the weight of all.

    Args:
        first: what each token of a text cost the first model, in bits.
        second: what it cost the second.
        kind: which weight each token goes by.
        kinds: how many there are.
    """
    one, other = np.exp2(-first), np.exp2(-second)
    overall = best_share(first, second)
    shares = np.full(kinds, overall)
    times = np.bincount(kind, minlength=kinds)
    for _ in range(50):
        here = shares[kind]
        due = np.bincount(kind, here * other / ((1 - here) * one + here * other), kinds)
        shares = (due + _PRIOR_TOKENS * overall) / (times + _PRIOR_TOKENS)
    return shares
