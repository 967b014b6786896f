"""An interpolated Kneser-Ney n-gram: what a network has to beat, and what stands beside it in a keyboard.

The probability of a token after a context is the discounted share of the longest context plus, with the mass that
the discounts freed, the probability after the context without its first token:

    p(w | h) = max(c(h w) - D(c(h w)), 0) / c(h)  +  backoff(h) p(w | h')

where c counts occurrences at the highest order and, below it, the different tokens that stand before (the
continuation count), and D has three values an order, for counts of one, two and more (modified Kneser-Ney).
The orders are stored as a trie: each level holds, for the contexts of the level above, the tokens that follow.

Sources: Kneser & Ney 1995; Chen & Goodman 1999, section 3.3; pruning by Seymore & Rosenfeld 1996, section 3.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from latchwork.core.errors import InputError

Array = NDArray[Any]
Contexts = tuple[int, ...]
"""The places, in their levels, of the contexts of the last token, the last two, and so on; -1 where not counted."""

_SHORT = 3  # contexts up to that length come again and again: their probabilities are kept
_MOST_CACHED = 4_000_000  # numbers kept for that
_BACKOFFS = (0.3, 0.6, 0.85)  # between the kinds of contexts that `confidence` tells apart
_FEW = 6  # n-grams of a context up to which adding them one by one is faster than as arrays


@dataclass(frozen=True)
class Level:
    """All n-grams of one order, sorted by context and then by token.

    Attributes:
        children: how many n-grams each context has, `[contexts]`; a context is an n-gram of the level above.
        tokens: the last token of each n-gram, `[n-grams]`.
        codes: its discounted share of the context's count, as a step of a logarithmic scale, `[n-grams]` uint8.
    """

    children: Array
    tokens: Array
    codes: NDArray[np.uint8]

    @cached_property
    def first(self) -> NDArray[np.int64]:
        """Where the n-grams of each context begin, `[contexts + 1]`."""
        return np.concatenate([[0], np.cumsum(self.children, dtype=np.int64)])

    @cached_property
    def shares(self) -> NDArray[np.float64]:
        """The discounted share of each n-gram, `[n-grams]`."""
        return _SHARES[self.codes]

    @cached_property
    def backoff(self) -> NDArray[np.float64]:
        """The mass left to the shorter context, `[contexts]`: all of it where there are no n-grams."""
        totals = np.concatenate([[0.0], np.cumsum(self.shares)])
        return np.clip(1.0 - (totals[self.first[1:]] - totals[self.first[:-1]]), 0.0, 1.0)

    @property
    def nbytes(self) -> int:
        """Bytes on disk."""
        return self.children.nbytes + self.tokens.nbytes + self.codes.nbytes


class _View(NamedTuple):
    """A level's arrays as plain sequences: single numbers of arrays are slow to reach."""

    first: memoryview
    tokens: memoryview
    shares: memoryview
    backoff: memoryview

    @classmethod
    def of(cls, level: Level) -> _View:
        arrays = (level.first, level.tokens, level.shares, level.backoff)
        return cls(*(np.ascontiguousarray(array).data for array in arrays))


# 255 steps from 1 down to 1e-7, about 6.5 % each; shares are rounded down, so that a context never exceeds 1.
_SHARES = np.exp(np.linspace(0.0, np.log(1e-7), 256))


def _encode_shares(shares: NDArray[np.float64]) -> NDArray[np.uint8]:
    steps = np.log(np.maximum(shares, 1e-30)) / np.log(1e-7) * 255
    return np.clip(np.ceil(steps - 1e-9), 0, 255).astype(np.uint8)


@dataclass(frozen=True)
class NGram:
    """An interpolated n-gram over token ids.

    Example:
        >>> model = NGram.fit(np.tile([0, 1, 2], 50), tokens=3, order=3)
        >>> probabilities, state = model.step(0, model.initial_state())
        >>> int(probabilities.argmax())
        1
    """

    order: int
    unigram: NDArray[np.float32]
    levels: tuple[Level, ...]

    @classmethod
    def fit(
        cls,
        ids: Array,
        tokens: int,
        order: int = 5,
        most_bytes: int | None = None,
        most_tokens: int = 5_000_000,
    ) -> NGram:
        """Count a text.

        Args:
            ids: token ids `[length]`, each below `tokens`.
            tokens: the size of the vocabulary.
            order: tokens in the longest n-gram, the predicted one included.
            most_bytes: the size on disk not to exceed; the n-grams that matter least are dropped for it.
            most_tokens: only this many tokens from the end of the text are counted, which bounds the memory.

        Raises:
            InputError: the text is empty, or the order is less than 1.
        """
        ids = np.asarray(ids[-most_tokens:]).astype(np.int64)
        if len(ids) == 0 or order < 1:
            raise InputError(f"got {len(ids)} tokens and order {order}: expected at least one of each")
        counted = _count(ids, tokens, min(order, len(ids)))
        if most_bytes is not None:
            counted = _prune(counted, tokens, most_bytes)
        levels = tuple(_level(above, grams, tokens) for above, grams in pairwise(counted))
        return cls(len(counted), counted[0].probabilities.astype(np.float32), levels)

    @property
    def nbytes(self) -> int:
        """Bytes on disk."""
        return self.unigram.nbytes + sum(level.nbytes for level in self.levels)

    def arrays(self) -> dict[str, Array]:
        """What `from_arrays` needs, by name."""
        named: dict[str, Array] = {"unigram": self.unigram}
        for order, level in enumerate(self.levels, 2):
            named[f"{order}.children"] = level.children
            named[f"{order}.tokens"] = level.tokens
            named[f"{order}.codes"] = level.codes
        return named

    @classmethod
    def from_arrays(cls, named: Mapping[str, Array]) -> NGram:
        """Rebuild a model from `arrays`.

        Raises:
            InputError: the arrays do not fit together.
        """
        try:
            unigram = np.asarray(named["unigram"], np.float32)
            levels: list[Level] = []
            contexts = len(unigram)
            while f"{len(levels) + 2}.tokens" in named:
                name = len(levels) + 2
                level = Level(named[f"{name}.children"], named[f"{name}.tokens"], named[f"{name}.codes"])
                if not (
                    len(level.children) == contexts
                    and int(level.first[-1]) == len(level.tokens) == len(level.codes)
                    and level.codes.dtype == np.uint8
                    and level.tokens.max(initial=0) < len(unigram)
                ):
                    raise InputError(f"got an n-gram whose order {name} does not fit the one above it")
                levels.append(level)
                contexts = len(level.tokens)
        except KeyError as error:
            raise InputError(f"got an n-gram without its array {error}") from error
        return cls(len(levels) + 1, unigram, tuple(levels))

    def initial_state(self) -> Contexts:
        """No context yet."""
        return ()

    def step(self, token: int, state: Contexts) -> tuple[NDArray[np.float64], Contexts]:
        """Take one token in; return the probabilities of the next, `[tokens]`, and the new contexts."""
        state = self.advance(token, state)
        return self.after(state), state

    def distribution(self, context: Sequence[int]) -> NDArray[np.float64]:
        """Probabilities of the token after a context, `[tokens]`; they sum to 1."""
        state: Contexts = ()
        for token in context[max(0, len(context) - self.order + 1) :]:
            state = self.advance(token, state)
        return self.after(state)

    def advance(self, token: int, state: Contexts) -> Contexts:
        """The contexts after one more token."""
        if self.order == 1:
            return ()
        longer = [
            self._child(view, node, token) for view, node in zip(self._views, state[: self.order - 2], strict=False)
        ]
        return (token, *longer)

    def _child(self, view: _View, node: int, token: int) -> int:
        """The place of a context with one more token; -1 where it was not counted."""
        if node < 0:
            return -1
        end = view.first[node + 1]
        place = bisect_left(view.tokens, token, view.first[node], end)
        return place if place < end and view.tokens[place] == token else -1

    def after(self, state: Contexts) -> NDArray[np.float64]:
        """The probabilities after the contexts of one token, of two, and so on."""
        short = state[:_SHORT]
        known = self._cache.get(short)
        if known is None:
            if len(self._cache) * len(self.unigram) > _MOST_CACHED:
                self._cache.clear()
            known = self._cache[short] = self._interpolate(self.unigram.astype(np.float64), short, 0)
        return self._interpolate(known.copy(), state[_SHORT:], _SHORT)

    def _interpolate(self, probabilities: NDArray[np.float64], nodes: Contexts, first: int) -> NDArray[np.float64]:
        for level, view, node in zip(self.levels[first:], self._views[first:], nodes, strict=False):
            if node >= 0:
                begin, end = view.first[node], view.first[node + 1]
                probabilities *= view.backoff[node]
                if end - begin <= _FEW:
                    for place in range(begin, end):
                        probabilities[view.tokens[place]] += view.shares[place]
                else:
                    probabilities[level.tokens[begin:end]] += level.shares[begin:end]
        return probabilities

    @cached_property
    def _views(self) -> tuple[_View, ...]:
        return tuple(_View.of(level) for level in self.levels)

    @cached_property
    def _cache(self) -> dict[Contexts, NDArray[np.float64]]:
        return {}

    @property
    def kinds(self) -> int:
        """How many kinds of context `confidence` tells apart."""
        return self.order * (len(_BACKOFFS) + 1)

    def confidence(self, state: Contexts) -> int:
        """How much a context says, as a number below `kinds`: how long the longest known one is, and how often what
        came after it was something new.
        """
        for depth in range(len(state) - 1, -1, -1):
            if state[depth] >= 0:
                return (depth + 1) * (len(_BACKOFFS) + 1) + bisect_right(
                    _BACKOFFS, self._views[depth].backoff[state[depth]]
                )
        return 0

    def bits(self, ids: Array) -> NDArray[np.float64]:
        """The cost of each token of a text after all the ones before it, in bits, `[length]`."""
        return self.bits_and_confidence(ids)[0]

    def bits_and_confidence(self, ids: Array) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """The cost of each token of a text, in bits, and the `confidence` of the context before it, `[length]` each."""
        ids = np.asarray(ids).astype(np.int64)
        probabilities = self.unigram.astype(np.float64)[ids]
        confidence = np.zeros(len(ids), np.int64)
        for length in range(1, min(self.order, len(ids))):
            level = self.levels[length - 1]
            node = self._find_all(ids, length)
            child = _look_up(self._keys[length - 1], node, ids[length:], len(self.unigram))
            backoff = np.where(node >= 0, level.backoff[node], 1.0)
            share = np.where(child >= 0, level.shares[child] if len(level.shares) else 0.0, 0.0)
            probabilities[length:] = backoff * probabilities[length:] + share
            kind = length * (len(_BACKOFFS) + 1) + np.digitize(backoff, _BACKOFFS)
            confidence[length:] = np.where(node >= 0, kind, confidence[length:])
        return -np.log2(probabilities), confidence

    def _find_all(self, ids: NDArray[np.int64], length: int) -> NDArray[np.int64]:
        """The place of the context of `length` tokens before each position from `length` on; -1 where unknown."""
        positions = len(ids) - length
        node = ids[:positions]
        for depth in range(1, length):
            node = _look_up(self._keys[depth - 1], node, ids[depth : depth + positions], len(self.unigram))
        return node

    @cached_property
    def _keys(self) -> tuple[NDArray[np.int64], ...]:
        """Context and token of every n-gram as one sorted number, by level."""
        return tuple(
            np.repeat(np.arange(len(level.children)), level.children) * len(self.unigram) + level.tokens
            for level in self.levels
        )


def _look_up(keys: Array, node: Array, token: Array, tokens: int) -> NDArray[np.int64]:
    wanted = node * tokens + token
    place = np.minimum(np.searchsorted(keys, wanted), max(0, len(keys) - 1))
    found = (node >= 0) & (keys[place] == wanted) if len(keys) else np.zeros(len(node), bool)
    return np.where(found, place, -1)


@dataclass(frozen=True)
class _Counted:
    """The n-grams of one order, sorted by context and token. Of the first order there are all tokens.

    Attributes:
        parent: the context, a place in the order above.
        token: the last token.
        suffix: the n-gram without its first token, a place in the order above.
        occurrences: how often it stands in the text.
        shares: its discounted share of its context's count.
        probabilities: the interpolated ones.
    """

    parent: NDArray[np.int64]
    token: NDArray[np.int64]
    suffix: NDArray[np.int64]
    occurrences: NDArray[np.int64]
    shares: NDArray[np.float64]
    probabilities: NDArray[np.float64]

    def keep(self, kept: NDArray[np.bool_], places_above: NDArray[np.int64]) -> _Counted:
        """Those marked, their contexts renumbered."""
        return _Counted(
            places_above[self.parent[kept]],
            self.token[kept],
            self.suffix[kept],
            self.occurrences[kept],
            self.shares[kept],
            self.probabilities[kept],
        )


def _count(ids: NDArray[np.int64], tokens: int, order: int) -> list[_Counted]:
    """Every order's n-grams with their Kneser-Ney shares."""
    everything = np.arange(tokens)
    occurrences = [np.bincount(ids, minlength=tokens)]
    parents, lasts, suffixes = [np.zeros(tokens, np.int64)], [everything], [np.zeros(tokens, np.int64)]
    places = ids  # of the n-gram that starts at each position
    for length in range(2, order + 1):
        keys, first, inverse, times = np.unique(
            places[:-1] * tokens + ids[length - 1 :], return_index=True, return_inverse=True, return_counts=True
        )
        parents.append(keys // tokens)
        lasts.append(keys % tokens)
        suffixes.append(places[first + 1])
        occurrences.append(times)
        places = inverse

    counted: list[_Counted] = []
    for level in range(order):
        if level == order - 1:
            counts = occurrences[level]
        else:
            counts = np.bincount(suffixes[level + 1], minlength=len(lasts[level]))
            counts = np.maximum(counts, occurrences[level] > 0)  # the first n-gram of the text follows nothing
        totals = np.maximum(1, np.bincount(parents[level], counts))
        shares = (counts - _discounts(counts)) / totals[parents[level]]
        backoff = 1.0 - np.bincount(parents[level], shares)
        if level == 0:
            probabilities = shares + backoff[0] / tokens
        else:
            shorter = counted[-1].probabilities[suffixes[level]]
            probabilities = shares + backoff[parents[level]] * shorter
        counted.append(
            _Counted(parents[level], lasts[level], suffixes[level], occurrences[level], shares, probabilities)
        )
    return counted


def _discounts(counts: Array) -> NDArray[np.float64]:
    """What to take off each count: D1, D2 or D3+ from the numbers of n-grams counted once to four times."""
    n1, n2, n3, n4 = (int(np.count_nonzero(counts == c)) for c in (1, 2, 3, 4))
    values = np.array([0.0, 0.5, 1.0, 1.5])  # where the text is too small or too regular to estimate them
    if min(n1, n2, n3) > 0:
        ratio = n1 / (n1 + 2 * n2)
        values[1:] = 1 - 2 * ratio * n2 / n1, 2 - 3 * ratio * n3 / n2, 3 - 4 * ratio * n4 / n3
        values = np.clip(values, 0.0, [0.0, 0.99, 1.99, 2.99])
    return np.asarray(values[np.minimum(counts, 3)])


def _prune(counted: list[_Counted], tokens: int, most_bytes: int) -> list[_Counted]:
    """Keep the n-grams whose loss would cost the training text most, as many as fit."""
    gains = [
        grams.occurrences * np.log(grams.probabilities / above.probabilities[grams.suffix])
        for above, grams in pairwise(counted)
    ]
    if not gains or _bytes([len(c.token) for c in counted], tokens) <= most_bytes:
        return counted

    def kept_above(threshold: float) -> list[NDArray[np.bool_]]:
        marks = [np.ones(tokens, bool), *(gain > threshold for gain in gains)]
        for level in range(len(counted) - 1, 1, -1):  # an n-gram hangs on its context
            marks[level - 1][counted[level].parent[marks[level]]] = True
        return marks

    low, high = -1.0, float(max(gain.max() for gain in gains))
    for _ in range(30):
        middle = np.sqrt((low + 1.1) * (high + 1.1)) - 1.1
        fits = _bytes([int(mark.sum()) for mark in kept_above(middle)], tokens) <= most_bytes
        low, high = (low, middle) if fits else (middle, high)
    marks = kept_above(high)
    result = [counted[0]]
    places = np.arange(tokens)
    for grams, mark in zip(counted[1:], marks[1:], strict=True):
        result.append(grams.keep(mark, places))
        places = np.cumsum(mark) - 1
    while len(result) > 1 and len(result[-1].token) == 0:
        result.pop()
    return result


def _bytes(grams: Sequence[int], tokens: int) -> int:
    """The size on disk of a model with so many n-grams of each order."""
    token, child = _smallest(tokens - 1).itemsize, _smallest(tokens).itemsize
    return 4 * tokens + sum((token + 1) * here + child * above for above, here in pairwise(grams))


def _smallest(largest: int) -> np.dtype[Any]:
    return np.min_scalar_type(largest)


def _level(above: _Counted, grams: _Counted, tokens: int) -> Level:
    children = np.bincount(grams.parent, minlength=len(above.token))
    return Level(
        children.astype(_smallest(tokens)),
        grams.token.astype(_smallest(tokens - 1)),
        _encode_shares(grams.shares),
    )
