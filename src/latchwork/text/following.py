"""Where a predictor stands after a text that grows and shrinks at its end: nothing is read twice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from latchwork.text.predictor import Predictor, Probabilities
from latchwork.transforms.words import WordVocabulary

_MOST_REMEMBERED = 200  # places that one can go back to without starting over
_MOST_CONTEXT = 2000  # characters of a text that is new to the keyboard


@dataclass(frozen=True)
class Point:
    """Where the predictor stands after some text.

    Attributes:
        text: all that was read.
        token: the word or sign that it ends with.
        state: the predictor's; None where only the probabilities are known.
        probabilities: of the next token, `[tokens]`.
    """

    text: str
    token: str | None
    state: Any
    probabilities: Probabilities


class Follower:
    """Reads a text with a predictor, from the longest beginning of it that was read before.

    Args:
        predictor: of the tokens of `vocabulary`.
        vocabulary: words.
    """

    def __init__(self, predictor: Predictor, vocabulary: WordVocabulary) -> None:
        """Begin as a line does."""
        self.predictor, self._vocabulary = predictor, vocabulary
        probabilities, state = predictor.step(vocabulary.ids.get("\n", 0), predictor.initial_state())
        self.start = Point("", None, state, probabilities)
        self._points = [self.start]

    def at(self, text: str) -> Point:
        """Where the predictor stands after a text."""
        known = next(point for point in reversed(self._points) if text.startswith(point.text))
        if known.text == text:
            return known
        rest = text[len(known.text) :][-_MOST_CONTEXT:]
        if len(rest) < len(text) - len(known.text):
            known = self.start
        point = self.after(known, rest, text)
        while len(self._points) > 1 and not text.startswith(self._points[-1].text):
            self._points.pop()
        self._points.append(point)
        del self._points[1:-_MOST_REMEMBERED]
        return point

    def after(self, point: Point, rest: str, text: str = "") -> Point:
        """Where it stands after some more text; `text` is what to call the whole."""
        ids = self._vocabulary.encode(rest, after=point.token)
        state, probabilities = point.state, point.probabilities
        for token in ids.tolist():
            probabilities, state = self.predictor.step(token, state)
        return Point(text, self._vocabulary.last_segment(rest), state, probabilities)

    def place(self, point: Point) -> None:
        """Go on from a place that was found otherwise."""
        self._points[1:] = [point]

    def odds(self, point: Point, word: str) -> tuple[float, Probabilities]:
        """How likely the tokens of a word come next, and the probabilities after them."""
        probabilities, state, odds = point.probabilities, point.state, 1.0
        for token in self._vocabulary.encode(word).tolist():
            odds *= float(probabilities[token])
            probabilities, state = self.predictor.step(token, state)
        return odds, probabilities
