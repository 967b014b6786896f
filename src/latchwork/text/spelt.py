"""What spelt characters cost: those that a vocabulary does not have, whose digits its models have hardly ever seen.

A model that has read no Russian expects none, and would pay some twenty bits for every digit of every letter. So
beside each model stands a small one that learns while it reads: how often something is spelt, and which digits follow
which in the last two spelt characters. The probability of a token is the weighted mean of both; the weight of the
small one is how often something was spelt so far, and all but one where a character has begun and digits must follow.
It is a probability like any other (nothing of what comes is looked at), and the same for every model: a network and
the n-gram beside it pay alike for what they do not know.

Source: the mixing of orders is Witten & Bell 1991, method C.
"""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
from numpy.typing import NDArray

from latchwork.transforms.spelling import digits_in_character
from latchwork.transforms.vocabulary import Vocabulary

UNKNOWN_BITS = math.log2(0x110000)
"""In models that spell nothing: to say which of all code points an unknown character is."""

_MUST = 0.999  # the small model's weight where digits must follow
_SELDOM = (0.002, 1.0)  # something spelt so far and places so far, before anything was read
_AGAIN = (0.5, 1.0)  # the same right after something spelt
_MARK = 16  # its number, after the digits'


def charged(vocabulary: Vocabulary, ids: NDArray[np.integer], bits: NDArray[np.float64]) -> NDArray[np.float64]:
    """The cost of each token of a text, what is spelt or unknown included, in bits, `[tokens]`.

    Args:
        vocabulary: what the tokens are.
        ids: the text, `[tokens]`.
        bits: what each cost a model.
    """
    spelling = vocabulary.spelling
    if spelling is None:
        return bits if vocabulary.units == "byte" else bits + UNKNOWN_BITS * (ids == 0)
    symbols = np.full(len(vocabulary), -1)
    symbols[spelling[1:]] = np.arange(_MARK)
    if spelling[0] >= 0:
        symbols[spelling[0]] = _MARK
    here = symbols[ids]
    spelt = here >= 0
    if not spelt.any():
        small = _SELDOM[0] / (sum(_SELDOM) + np.arange(len(ids)))
        return bits - np.log2(1 - small)
    weights, likelihoods = _small(here, spelt, symbols=_MARK + (spelling[0] >= 0))
    return -np.log2((1 - weights) * np.exp2(-bits) + weights * likelihoods)


def _small(
    here: NDArray[np.int64], spelt: NDArray[np.bool_], symbols: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The small model's weight at each token, and the probability that it gives it, `[tokens]` both."""
    begins, inside, likelihoods = np.zeros(len(here), bool), np.zeros(len(here) + 1, bool), np.zeros(len(here))
    contexts: dict[tuple[object, ...], Counter[int]] = {}
    prefix: tuple[int, ...] = ()
    last: tuple[tuple[int, ...], ...] = ((), ())
    for place in np.flatnonzero(spelt).tolist():
        symbol = int(here[place])
        begins[place] = not prefix
        probability = 1 / symbols
        for context in ((prefix,), (prefix, last[1]), (prefix, *last)):
            counts = contexts.setdefault(context, Counter())
            total, kinds = counts.total(), len(counts)
            if total:
                probability = (counts[symbol] + kinds * probability) / (total + kinds)
            counts[symbol] += 1
        likelihoods[place] = probability
        prefix = _after(prefix, symbol)
        if len(prefix) > 1 and _is_whole(prefix):
            last, prefix = (last[1], prefix), ()
        inside[place + 1] = bool(prefix)
    boundary = ~inside[:-1]
    after_spelt = np.concatenate([[False], spelt[:-1]])
    weights = np.full(len(here), _MUST)
    for kind, (some, all_) in ((~after_spelt, _SELDOM), (after_spelt, _AGAIN)):
        places = np.flatnonzero(boundary & kind)
        before = np.cumsum(begins[places]) - begins[places]
        weights[places] = (before + some) / (np.arange(len(places)) + all_ + some)
    return weights, likelihoods


def _after(prefix: tuple[int, ...], symbol: int) -> tuple[int, ...]:
    return (_MARK,) if symbol == _MARK else (*prefix, symbol)


def _is_whole(prefix: tuple[int, ...]) -> bool:
    """Whether the digits since the last character, a mark before them or not, make a character."""
    digits = prefix[1:] if prefix[0] == _MARK else prefix
    return len(digits) >= 2 and len(digits) == digits_in_character(digits[0], digits[1])
