"""The keyboard: completions of the word being typed and, between words, the words likely to come.

The words of the vocabulary, sorted, are the trie: those that begin with the letters typed so far stand together. The
predictor steps once a word; between two keys of one word only that range is looked at again.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latchwork.text.ngram import NGram
from latchwork.text.personal import PersonalWords
from latchwork.text.predictor import Predictor, Probabilities
from latchwork.transforms.vocabulary import WORD, WordVocabulary

_MOST_REMEMBERED = 200  # tokens that one can delete and type again without starting over
_MOST_CONTEXT = 2000  # characters of a text that is new to the keyboard
_LONGEST_WORD = 80
_BEING_TYPED = re.compile(WORD.pattern + r"['’-]?\Z|\Z")
_LAST = "\U0010ffff"


@dataclass(frozen=True)
class _Point:
    """Where the predictor stands after some text."""

    text: str
    token: str | None
    state: Any
    probabilities: Probabilities


class Keyboard:
    """Suggestions from one predictor, and from the user's own words.

    Args:
        predictor: of the tokens of `vocabulary`.
        vocabulary: words.
        ends: of each token, how likely the word ends with it, `[tokens]`; see `word_ends`.
        personal: the user's own words; none where left out.
    """

    def __init__(
        self,
        predictor: Predictor,
        vocabulary: WordVocabulary,
        ends: NDArray[np.floating[Any]],
        personal: PersonalWords | None = None,
    ) -> None:
        """Sort the words."""
        self._predictor, self._vocabulary, self._ends = predictor, vocabulary, ends
        self.personal = PersonalWords() if personal is None else personal
        words = sorted((token, i) for i, token in enumerate(vocabulary.tokens) if vocabulary.is_word[i])
        self._words = [word for word, _ in words]
        self._ids = np.array([i for _, i in words])
        # A text begins as a line does.
        probabilities, state = predictor.step(vocabulary.ids.get("\n", 0), predictor.initial_state())
        self._points = [_Point("", None, state, probabilities)]

    def suggest(self, text: str, count: int = 3) -> list[str]:
        """The likeliest words, best first: those that complete the letters at the end of `text`, or that come next.

        Args:
            text: all that was typed so far.
            count: how many at most; there are fewer where nothing known begins with the letters.
        """
        match = _BEING_TYPED.search(text[-_LONGEST_WORD:])
        letters = match[0] if match else ""
        before = text[: len(text) - len(letters)]
        point = self._advance(before.rstrip(" "))
        low = bisect_left(self._words, letters)
        high = bisect_left(self._words, letters + _LAST, low)
        ids = self._ids[low:high]
        likely = point.probabilities[ids] * self._ends[ids]
        share = self.personal.share
        top = np.argpartition(likely, -count)[-count:] if len(likely) > count else np.arange(len(likely))
        scored = {self._words[low + i]: float(likely[i]) for i in top}
        if share:
            previous = _word_before(before)
            for word in {*scored, *self.personal.candidates(previous, letters)}:
                known = self._vocabulary.ids.get(word)
                model = 0.0 if known is None else float(point.probabilities[known] * self._ends[known])
                scored[word] = (1 - share) * model + share * self.personal.probability(word, previous)
        scored.pop(letters, None)  # it is there already
        return sorted(scored, key=lambda word: scored[word], reverse=True)[:count]

    def _advance(self, text: str) -> _Point:
        """Bring the predictor to the end of a text, from the longest beginning of it that it has been at."""
        while self._points[-1].text and not text.startswith(self._points[-1].text):
            self._points.pop()
        point = self._points[-1]
        rest = text[len(point.text) :]
        if len(rest) > _MOST_CONTEXT:
            rest = rest[-_MOST_CONTEXT:]
        if rest:
            ids = self._vocabulary.encode(rest, after=point.token)
            state, probabilities = point.state, point.probabilities
            for token in ids.tolist():
                probabilities, state = self._predictor.step(token, state)
            last = self._vocabulary.last_segment(rest)
            point = _Point(text, last, state, probabilities)
            self._points.append(point)
            del self._points[1:-_MOST_REMEMBERED]
        return point


def _word_before(text: str) -> str:
    """The word that a text ends with; empty at the start of a line or after the end of a sentence."""
    match = re.search(WORD.pattern + r"(?=[ ,]*\Z)", text[-_LONGEST_WORD:])
    return match[0] if match else ""


def word_ends(ngram: NGram, vocabulary: WordVocabulary) -> NDArray[np.float64]:
    """How likely a word ends with each token: what the n-gram leaves after the pieces that may continue it."""
    continues = vocabulary.continues
    if ngram.order < 2:
        return np.full(len(vocabulary), 1 - ngram.unigram[continues].sum())
    pairs = ngram.levels[0]
    parent = np.repeat(np.arange(len(vocabulary)), pairs.children)
    counted = np.bincount(parent, pairs.shares * continues[pairs.tokens], minlength=len(vocabulary))
    return 1 - np.minimum(1, counted + pairs.backoff * ngram.unigram[continues].sum())
