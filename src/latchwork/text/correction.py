"""Which words may have been meant by letters that were typed, and when a word is changed without being asked."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from latchwork.text.channel import Channel, Slips
from latchwork.text.folding import straight
from latchwork.text.lexicon import Lexicon

_SPACE_LEFT_OUT = 2e-3  # two words run together
_SPACE_TOO_MANY = 2e-3  # one word cut apart
_OVER_KNOWN = 30.0  # how many times likelier another word must be to take the place of one that is known
_OVER_UNKNOWN = 2.0  # and of one that is not
_OTHER_FORM = 0.3  # of the likelihood of a word that differs by more than slips: case, accents, apostrophes
_MOST_CANDIDATES = 12
_MOST_COST = 6.5  # of slips, and 1 for each letter: beyond it anything could have been meant
_SHORTEST = 2  # letters below which nothing is changed, but for a word's own form


class Correction(NamedTuple):
    """A word that may have been meant: its number in the lexicon, and how likely it and what was typed are together."""

    number: int
    likelihood: float


class Corrector:
    """Corrections of what is typed.

    Args:
        lexicon: the words known.
        layout: of the keys.
        slips: what was learned of the typist.
    """

    def __init__(self, lexicon: Lexicon, layout: str, slips: Slips) -> None:
        """Number the letters."""
        self._lexicon = lexicon
        self.channel = Channel(lexicon.letters, layout, slips)
        self._learned = slips.letters
        self.space_left_out, self.space_too_many = _SPACE_LEFT_OUT, _SPACE_TOO_MANY

    def candidates(self, letters: str, likely: NDArray[np.floating[Any]], least: float) -> list[Correction]:
        """Words that these letters, not yet all of them, may have been meant to be.

        Args:
            letters: folded.
            likely: how likely each word is here, `[words]`.
            least: how likely a word and its slips have to be together.
        """
        if len(letters) < _SHORTEST:
            return []
        numbers, whole, beginning = self._compared(letters, likely, least)
        costs = whole if len(letters) <= _SHORTEST else beginning  # two letters are the beginning of too many words
        odds = np.where(costs <= _MOST_COST + len(letters), likely[numbers] * np.exp(-costs), 0.0)
        top = np.argsort(-odds)[:_MOST_CANDIDATES]
        return [Correction(int(numbers[i]), float(odds[i])) for i in top if odds[i] > least]

    def best(self, letters: str, typed: str, likely: NDArray[np.floating[Any]]) -> Correction | None:
        """The likeliest word that the letters, all of them, may have been meant to be."""
        if not letters:
            return None
        forms = self._lexicon.all_of(letters)
        best: Correction | None = None
        for number in forms:
            form = 1.0 if straight(self._lexicon.words[number]) == straight(typed) else _OTHER_FORM
            odds = float(likely[number]) * form
            if best is None or odds > best.likelihood:
                best = Correction(number, odds)
        if len(letters) < _SHORTEST:
            return best
        numbers, whole, _ = self._compared(letters, likely, 0.0)
        if len(numbers):
            odds = likely[numbers] * np.exp(-whole)
            top = int(odds.argmax())
            if best is None or odds[top] > best.likelihood:
                best = Correction(int(numbers[top]), float(odds[top]))
        return best

    def is_due(self, odds: float, as_typed: float, known: bool) -> bool:
        """Whether a word takes the place of what was typed.

        Args:
            odds: how likely the word and its slips are.
            as_typed: how likely what was typed was meant.
            known: whether it is a word that the text or the typist knows.
        """
        return odds > (_OVER_KNOWN if known else _OVER_UNKNOWN) * as_typed

    def _compared(
        self, letters: str, likely: NDArray[np.floating[Any]], least: float
    ) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.float32]]:
        if self.channel.slips.letters != self._learned:  # the typist taught it something
            self._learned = self.channel.slips.letters
            self.channel = Channel(self._lexicon.letters, self.channel.layout, self.channel.slips)
        cheapest = min(self.channel.costs.values())
        numbers = self._lexicon.near(letters, likely, least * float(np.exp(cheapest)))
        if not len(numbers):
            none = np.zeros(0, np.float32)
            return numbers, none, none
        words = self._lexicon.codes(self.channel)[numbers]
        return (numbers, *self.channel.distances(letters, words, self._lexicon.lengths[numbers]))
