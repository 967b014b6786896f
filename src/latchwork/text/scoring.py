"""What each token of a text costs a network, read as several streams side by side."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from latchwork.text.predictor import NetworkPredictor

_STREAMS = 32
_PRIOR_TOKENS = 100.0  # for the weight of all, in what is said of one kind of token
_WARM_UP = 256  # tokens that a stream reads, unscored, before its own begin: by then the state has forgotten its start


def network_bits(predictor: NetworkPredictor, ids: NDArray[Any]) -> NDArray[np.float64]:
    """The cost of each token after those before it, in bits, `[tokens]`; of the first, as if all were alike.

    A long text is read in parts side by side, each from 256 tokens before its own first, which gives the figures of
    one pass to about a thousandth of a bit in a small part of the time.
    """
    tokens = len(ids)
    streams = max(1, min(_STREAMS, tokens // (4 * _WARM_UP)))
    part = -(-tokens // streams)
    starts = np.arange(streams) * part
    states = predictor.initial_states((streams,))
    bits = np.zeros(tokens)
    first = -_WARM_UP if streams > 1 else 0
    for offset in range(first, part):
        places = starts + offset
        # Streams at their end, and the first one before its start, read a token that is not counted.
        scores, states = predictor.scores(ids[np.clip(places, 0, tokens - 1)], states)
        if offset < 0:
            for hidden, cell in states:
                hidden[places < 0], cell[places < 0] = 0.0, 0.0
        counted = (offset + 1 >= 0) & (places + 1 < np.minimum(starts + part, tokens))
        top = scores.max(axis=-1)
        cost = np.log(np.exp(scores - top[:, None]).sum(axis=-1)) + top
        here = np.flatnonzero(counted)
        after = places[here] + 1
        bits[after] = (cost[here] - scores[here, ids[after]]) / np.log(2)
    bits[0] = np.log2(predictor.tokens)
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
