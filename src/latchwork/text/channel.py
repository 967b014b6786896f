"""The noisy channel: how likely letters come out as others under a typist's fingers.

What was typed is what was meant after slips: the key beside the right one, two letters swapped, one doubled, one left
out, one too many. Each kind has a rate a letter, learned further from what this typist's corrections were. A word's
likelihood is that of its likeliest way to become what was typed (Church & Gale 1991; Damerau 1964).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from latchwork.text.layouts import neighbours, rows_of

KINDS = ("neighbour", "other", "swapped", "doubled", "left out", "undoubled", "too many")
# Slips of each kind a letter, of somebody who slips at every thirtieth; and in how many letters that is believed.
_RATES = {
    "neighbour": 0.015,
    "other": 0.001,
    "swapped": 0.006,
    "doubled": 0.004,
    "left out": 0.007,
    "undoubled": 0.02,
    "too many": 0.001,
}
_BELIEVED_FOR = 3000.0
_REACH = 2  # letters by which a typed word's letters may be before or behind the meant one's
_NEVER = 1e3
_COUNTS = {"left out": 1.0, "undoubled": 0.9, "too many": 1.0, "doubled": 0.9}  # of two explanations the likelier one


@dataclass
class Slips:
    """How often a typist slipped, by kind, and which key came in place of which.

    Attributes:
        letters: letters typed while anything was learned.
        kinds: slips by kind.
        keys: of wrong keys, meant and typed, as `"et"`.
    """

    letters: int = 0
    kinds: Counter[str] = field(default_factory=Counter[str])
    keys: Counter[str] = field(default_factory=Counter[str])

    def learn(self, meant: str, typed: str) -> None:
        """Take in one word that was meant and how it was typed, both folded."""
        self.letters += len(meant)
        for kind, keys in slips_between(meant, typed):
            self.kinds[kind] += 1
            if keys:
                self.keys[keys] += 1

    def rate(self, kind: str) -> float:
        """Slips of a kind a letter."""
        return (_RATES[kind] * _BELIEVED_FOR + self.kinds[kind]) / (_BELIEVED_FOR + self.letters)


class Channel:
    """What slips cost on one layout, for one typist.

    Args:
        letters: all that words are made of; a letter's number is its place, from 1 on.
        layout: a name of `layouts.LAYOUTS`.
        slips: what was learned of the typist.
    """

    def __init__(self, letters: str, layout: str = "qwerty", slips: Slips | None = None) -> None:
        """Number the letters; the costs are computed when they are asked for.

        Raises:
            InputError: there is no such layout.
        """
        rows_of(layout)
        self.layout, self.slips = layout, Slips() if slips is None else slips
        self._numbers = {letter: number for number, letter in enumerate(letters, 1)}
        self._letters = letters

    def codes(self, word: str) -> list[int]:
        """A word's letters as numbers, 0 for one that no word has."""
        return [self._numbers.get(letter, 0) for letter in word]

    @cached_property
    def wrong_key(self) -> NDArray[np.float32]:
        """What a typed letter costs in place of a meant one, `[typed, meant]`, numbers of letters; 0 is padding."""
        size = len(self._letters) + 1
        rate = self.slips.rate
        costs = np.full((size, size), -np.log(rate("other") / 20), np.float32)
        near = neighbours(self.layout)
        for meant, number in self._numbers.items():
            beside = near.get(meant, "")
            for typed in beside:
                if typed in self._numbers:
                    learned = self.slips.keys[meant + typed]
                    share = (1 + learned) / (len(beside) + learned)
                    costs[self._numbers[typed], number] = -np.log(rate("neighbour") * share)
        np.fill_diagonal(costs, 0.0)
        costs[:, 0] = costs[0, 0] = _NEVER
        return costs

    @cached_property
    def costs(self) -> Mapping[str, float]:
        """What a slip of each kind costs, as minus its logarithm."""
        return {kind: float(-np.log(self.slips.rate(kind))) for kind in KINDS}

    def distances(
        self, typed: str, words: NDArray[np.integer], lengths: NDArray[np.integer]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """What it costs to take typed letters for each word, and for the likeliest beginning of it, `[words]` both.

        Args:
            typed: folded letters.
            words: letters as numbers, `[words, longest]`, zeros after each word's end.
            lengths: of the words.
        """
        given, count = self.codes(typed), len(words)
        width = 2 * _REACH + 1
        padded = np.zeros((count, len(given) + width + 1), words.dtype)
        size = min(words.shape[1], padded.shape[1] - 1)
        padded[:, 1 : 1 + size] = words[:, :size]  # letter j of a word, from 1 on
        costs, wrong = self.costs, self.wrong_key
        extra, doubled, swapped = costs["too many"] + np.log(20), costs["doubled"], costs["swapped"]
        same = padded[:, 1:] == padded[:, :-1]
        left_out = np.where(same, np.float32(costs["undoubled"]), np.float32(costs["left out"]))
        rows: list[NDArray[np.float32]] = []
        for i in range(len(given) + 1):
            row = np.full((count, width), _NEVER, np.float32)
            for d in range(width):
                j = i + d - _REACH
                if j < 0:
                    continue
                if i == 0 and j == 0:
                    row[:, d] = 0.0
                    continue
                best = np.full(count, _NEVER, np.float32)
                if i and j:
                    best = rows[i - 1][:, d] + wrong[given[i - 1]][padded[:, j]]
                if i and d + 1 < width:  # a letter too many; right after the same one it is doubled
                    again = i > 1 and given[i - 1] == given[i - 2]
                    best = np.minimum(best, rows[i - 1][:, d + 1] + (doubled if again else extra))
                if j and d:
                    best = np.minimum(best, row[:, d - 1] + left_out[:, j - 1])
                if i > 1 and j > 1:
                    crossed = (padded[:, j - 1] == given[i - 1]) & (padded[:, j] == given[i - 2])
                    best = np.where(crossed, np.minimum(best, rows[i - 2][:, d] + swapped), best)
                row[:, d] = best
            rows.append(row)
        last = rows[-1]
        ends = lengths - len(given) + _REACH
        inside = (ends >= 0) & (ends < width)
        whole = np.where(inside, last[np.arange(count), np.clip(ends, 0, width - 1)], np.float32(_NEVER))
        past = np.arange(width) > ends[:, None]
        beginning = np.where(past, np.float32(_NEVER), last).min(axis=1, initial=_NEVER)
        return whole, beginning


def slips_between(meant: str, typed: str) -> list[tuple[str, str]]:
    """The slips of the shortest way from one word to another: their kinds, and the keys of wrong ones.

    Example:
        >>> slips_between("the", "teh"), slips_between("hello", "helo"), slips_between("cat", "cst")
        ([('swapped', '')], [('undoubled', '')], [('neighbour', 'as')])
    """
    best: dict[tuple[int, int], tuple[float, list[tuple[str, str]]]] = {(0, 0): (0, [])}
    for i in range(len(meant) + 1):
        for j in range(len(typed) + 1):
            ways: list[tuple[float, list[tuple[str, str]]]] = [best[i, j]] if (i, j) == (0, 0) else []
            if i and j:
                slips, way = best[i - 1, j - 1]
                if meant[i - 1] == typed[j - 1]:
                    ways.append((slips, way))
                else:
                    ways.append((slips + 1, [*way, ("neighbour", meant[i - 1] + typed[j - 1])]))
            if i:
                slips, way = best[i - 1, j]
                kind = "undoubled" if i > 1 and meant[i - 1] == meant[i - 2] else "left out"
                ways.append((slips + _COUNTS[kind], [*way, (kind, "")]))
            if j:
                slips, way = best[i, j - 1]
                kind = "doubled" if j > 1 and typed[j - 1] == typed[j - 2] else "too many"
                ways.append((slips + _COUNTS[kind], [*way, (kind, "")]))
            if i > 1 and j > 1 and meant[i - 2 : i] == typed[j - 1] + typed[j - 2] and meant[i - 1] != meant[i - 2]:
                slips, way = best[i - 2, j - 2]
                ways.append((slips + 1, [*way, ("swapped", "")]))
            best[i, j] = min(ways, key=lambda found: found[0])
    return best[len(meant), len(typed)][1]
