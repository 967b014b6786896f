"""The words that a keyboard knows, in the order of their folded letters, as the trie and as the matrix of letters."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from latchwork.text.channel import Channel
from latchwork.text.folding import fold

_LAST = "\U0010ffff"
_LONGEST = 24  # letters by which words are compared
_CLASSES = 64  # of letters, by the last bits of their code points
_ENOUGH = 600  # words that are compared letter by letter, the likeliest ones


class Lexicon:
    """Words sorted by their folded letters: those that begin with the same ones stand together.

    Args:
        words: each once.
        never: folded words that are not to be offered.
    """

    def __init__(self, words: Sequence[str], never: Collection[str] = ()) -> None:
        """Sort the words."""
        folded = sorted((fold(word), word, place) for place, word in enumerate(words))
        folded = [row for row in folded if row[0] and row[0] not in never]
        self.folded = [row[0] for row in folded]
        self.words = [row[1] for row in folded]
        self.places = np.array([row[2] for row in folded], np.int64)
        """Where each word stood in what was given."""
        self._exact = {word: number for number, word in enumerate(self.words)}

    def __len__(self) -> int:
        """How many words there are."""
        return len(self.words)

    def number(self, word: str) -> int | None:
        """A word's number here; None where it is not known in exactly this form."""
        return self._exact.get(word)

    def beginning_with(self, letters: str) -> range:
        """The numbers of the words whose folded letters begin with these."""
        low = bisect_left(self.folded, letters)
        return range(low, bisect_left(self.folded, letters + _LAST, low))

    def all_of(self, letters: str) -> range:
        """The numbers of the words with exactly these folded letters."""
        low = bisect_left(self.folded, letters)
        high = low
        while high < len(self.folded) and self.folded[high] == letters:
            high += 1
        return range(low, high)

    @cached_property
    def letters(self) -> str:
        """All letters of all words."""
        return "".join(sorted(set("".join(self.folded))))

    @cached_property
    def lengths(self) -> NDArray[np.int64]:
        """Letters of each word, `[words]`."""
        return np.array([min(len(word), _LONGEST) for word in self.folded], np.int64)

    @cached_property
    def _absent(self) -> NDArray[np.uint8]:
        """Which of 64 classes of letters each word lacks, `[64, words]`."""
        absent = np.ones((_CLASSES, len(self)), np.uint8)
        for number, word in enumerate(self.folded):
            absent[[ord(letter) % _CLASSES for letter in set(word)], number] = 0
        return absent

    def codes(self, channel: Channel) -> NDArray[np.uint16]:
        """The letters of each word as the channel's numbers, `[words, longest]`."""
        found = self._codes.get(id(channel))
        if found is None:
            found = np.zeros((len(self), _LONGEST), np.uint16)
            for row, word in enumerate(self.folded):
                codes = channel.codes(word[:_LONGEST])
                found[row, : len(codes)] = codes
            self._codes.clear()
            self._codes[id(channel)] = found
        return found

    @cached_property
    def _codes(self) -> dict[int, NDArray[np.uint16]]:
        return {}

    def near(self, letters: str, likely: NDArray[np.floating], least: float) -> NDArray[np.int64]:
        """The numbers of words that could have become these letters by a slip or two, no more than 600.

        Args:
            letters: folded.
            likely: how likely each word is here, `[words]`.
            least: how likely a word has to be at least.
        """
        foreign = self._absent[[ord(letter) % _CLASSES for letter in set(letters)]].sum(axis=0, dtype=np.uint8)
        few = 1 if len(letters) < 5 else 2
        found = np.flatnonzero((foreign <= few) & (self.lengths >= len(letters) - 2) & (likely > least))
        if len(found) > _ENOUGH:
            found = found[np.argpartition(likely[found], -_ENOUGH)[-_ENOUGH:]]
        return found
