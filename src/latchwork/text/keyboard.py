"""The keyboard: completions of the word being typed, corrections of slips and, between words, the words likely to come.

Every suggestion is ranked by how likely the word is here, times how likely it is to have been typed like this: exactly,
in other capitals or without its accents and apostrophes (`folding`), or after a slip (`channel`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latchwork.core.errors import InputError
from latchwork.text.correction import Corrector
from latchwork.text.folding import APOSTROPHES, fold, in_case_of, straight
from latchwork.text.following import Follower, Point
from latchwork.text.layouts import layout_for
from latchwork.text.lexicon import Lexicon
from latchwork.text.ngram import NGram
from latchwork.text.personal import PersonalWords
from latchwork.text.predictor import Predictor
from latchwork.transforms.segments import is_unspaced, normal, word_being_typed, words_of
from latchwork.transforms.words import WordVocabulary

_LONGEST_WORD = 80
_LEFT_ALONE = re.compile(r"[@/\\_\d]|://|^www\.", re.IGNORECASE)
"""In what stands before the letters without a space: addresses, links, paths and numbers."""
_ONE_LETTER = 0.005  # how likely a letter alone has to be to be one of two words that ran together
_SHORTEST_SPLIT = 3  # letters from which two words may have run together
_OTHER_FORM = 0.2  # of the likelihood of a word whose letters fit only without case, accents and apostrophes


@dataclass(frozen=True)
class Offer:
    """A suggestion.

    Attributes:
        text: what to write.
        replaces: how many characters before the cursor it takes the place of.
        corrects: whether letters that were typed are not the word's beginning.
    """

    text: str
    replaces: int = 0
    corrects: bool = False


class Keyboard:
    """Suggestions from one predictor, and from the user's own words.

    Args:
        predictor: of the tokens of `vocabulary`.
        vocabulary: words.
        ends: of each token, how likely the word ends with it, `[tokens]`; see `word_ends`.
        personal: the user's own words and slips; none where left out.
        correct: whether slips are corrected.
        layout: of the keys, for corrections; the one that has most of the vocabulary's letters where None.
        never: words that are not to be offered.
    """

    def __init__(
        self,
        predictor: Predictor,
        vocabulary: WordVocabulary,
        ends: NDArray[np.floating[Any]],
        personal: PersonalWords | None = None,
        *,
        correct: bool = True,
        layout: str | None = None,
        never: Iterable[str] = (),
    ) -> None:
        """Sort the words."""
        self.vocabulary, self._ends = vocabulary, np.asarray(ends)
        self.personal = PersonalWords() if personal is None else personal
        self._never = frozenset(map(fold, never))
        self.follower = Follower(predictor, vocabulary)
        ids = np.flatnonzero(vocabulary.is_word)
        self._lexicon = Lexicon([vocabulary.tokens[i] for i in ids], self._never)
        self._ids = ids[self._lexicon.places] if len(ids) else ids
        self._own_ends = self._ends[self._ids]
        layout = layout or layout_for("".join(vocabulary.tokens))
        self._corrector = Corrector(self._lexicon, layout, self.personal.slips) if correct else None

    @property
    def layout(self) -> str | None:
        """The layout whose slips are corrected; None where none are."""
        return None if self._corrector is None else self._corrector.channel.layout

    def suggest(self, text: str, count: int = 3) -> list[str]:
        """The likeliest words, best first: those that complete the letters at the end of `text`, or that come next.

        Args:
            text: all that was typed so far.
            count: how many at most; there are fewer where nothing known begins with the letters.

        Raises:
            InputError: the text is no text, or the count no number of 1 or more.
        """
        return [offer.text for offer in self.offers(text, count)]

    def offers(self, text: str, count: int = 3) -> list[Offer]:
        """As `suggest`, with what each takes the place of."""
        _check(text, count)
        before, letters = self.apart(text)
        return self.offers_at(self.point(before), before, letters, count)

    def apart(self, text: str) -> tuple[str, str]:
        """A text cut before the letters of the word being typed; runs of unspaced script are never being typed."""
        letters = word_being_typed(text[-_LONGEST_WORD:], self.vocabulary.version)
        if letters and is_unspaced(letters[-1]):
            letters = ""
        return text[: len(text) - len(letters)], letters

    def point(self, before: str) -> Point:
        """Where the predictor stands after a text that ends between two words."""
        return self.follower.at(normal(before).rstrip(" "))

    def offers_at(self, point: Point, before: str, letters: str, count: int = 3) -> list[Offer]:
        """What to offer for letters typed at a point.

        Args:
            point: where the predictor stands.
            before: the text before the letters.
            letters: of the word being typed.
            count: how many at most.
        """
        glued = before[before.rfind("\n") + 1 :].rpartition(" ")[2]
        if _LEFT_ALONE.search(glued):
            return []
        likely = point.probabilities[self._ids] * self._own_ends
        previous = self.word_before(before)
        scored = self._beginnings(likely, letters, previous, count)
        if self._corrector is not None and letters and not letters[0].isdigit():
            least = sorted(scored.values(), reverse=True)[:count][-1] if len(scored) >= count else 0.0
            for correction in self._corrector.candidates(fold(letters), likely, least):
                word = self._lexicon.words[correction.number]
                scored[word] = max(correction.likelihood, scored.get(word, 0.0))
        found: dict[str, Offer] = {}
        split = self._split(point, before, letters) if self._is_to_split(letters, scored) else None
        if split is not None:
            scored[split[1]] = split[0]
        for word in sorted(scored, key=lambda word: scored[word], reverse=True):
            shown = self._shown(word, letters, before)
            if shown != letters and shown not in found and scored[word] > 0:
                found[shown] = Offer(shown, len(letters), corrects=not fold(word).startswith(fold(letters)))
                if len(found) == count:
                    break
        return list(found.values())

    def correct(self, text: str) -> Offer | None:
        """What takes the place of the word that a text ends with, were a space typed now; None where it is right.

        A word that the text or the typist knows is not changed unless what is meant is overwhelmingly likelier.
        """
        _check(text, 1)
        before, letters = self.apart(text)
        glued = before[before.rfind("\n") + 1 :].rpartition(" ")[2]
        if self._corrector is None or not letters or _LEFT_ALONE.search(glued + letters):
            return None
        point = self.point(before)
        likely = point.probabilities[self._ids] * self._own_ends
        best = self._corrector.best(fold(letters), letters, likely)
        split = self._split(point, before, letters, 0.0 if best is None else best.likelihood)
        found: tuple[float, str, int] | None = None
        if best is not None:
            found = best.likelihood, self._shown(self._lexicon.words[best.number], letters, before), len(letters)
        if split is not None and (found is None or split[0] > found[0]):
            found = split[0], split[1], len(letters)
        joined = self._joined(before, letters)
        if joined is not None and (found is None or joined[0] > found[0]):
            found = joined
        if found is None or found[1] == letters or self._is_on_purpose(before, letters):
            return None
        as_typed, known = self._as_typed(point, before, letters)
        if known and found[1].casefold() == letters.casefold() and len(letters) > 1:
            return None  # capitals are the typist's business, but for "i"
        return Offer(found[1], found[2], corrects=True) if self._corrector.is_due(found[0], as_typed, known) else None

    def learn(self, line: str) -> None:
        """Learn a line that was typed; a word that looks like a slip of a known one, when it was typed three times."""
        self.personal.learn(line, self._looks_like_a_slip)

    def _looks_like_a_slip(self, word: str) -> bool:
        if self._corrector is None or self._lexicon.all_of(fold(word)):
            return False
        point = self.follower.start
        likely = point.probabilities[self._ids] * self._own_ends
        best = self._corrector.best(fold(word), word, likely)
        return best is not None and self._corrector.is_due(best.likelihood, *self._as_typed(point, "", word))

    def words(self, line: str) -> list[tuple[int, str]]:
        """Where each word of a line begins, and the word; runs of unspaced script are cut as the vocabulary has it."""
        found: list[tuple[int, str]] = []
        for start, word in words_of(line, self.vocabulary.version):
            if not is_unspaced(word[0]):
                found.append((start, word))
                continue
            add = self.vocabulary.decoder()
            for piece in (add(token) for token in self.vocabulary.encode(word).tolist()):
                if piece:
                    found.append((start, piece))
                    start += len(piece)  # noqa: PLW2901 - each piece begins where the last one ended
        return found

    def word_before(self, text: str) -> str:
        """The word that a text ends with; empty at the start of a line or after the end of a sentence."""
        end = text[-_LONGEST_WORD:].rstrip(" ,")
        found = words_of(end, self.vocabulary.version)
        return found[-1][1] if found and found[-1][0] + len(found[-1][1]) == len(end) else ""

    def _beginnings(
        self, likely: NDArray[np.floating[Any]], letters: str, previous: str, count: int
    ) -> dict[str, float]:
        """How likely each of the best words is whose letters begin with these."""
        span = self._lexicon.beginning_with(fold(letters)) if letters else range(len(self._lexicon))
        here = likely[span.start : span.stop]
        # The typed word itself and other forms of a word may take places away: hence some more.
        many = 4 * count + 4
        top = np.argpartition(here, -many)[-many:] if len(here) > many else np.arange(len(here))
        scored = {self._lexicon.words[span.start + i]: float(here[i]) for i in top}
        share = self.personal.share
        if share:
            for word in {*scored, *self.personal.candidates(previous, letters)}:
                if fold(word) in self._never:
                    continue
                known = self._lexicon.number(word)
                model = 0.0 if known is None else float(likely[known])
                scored[word] = (1 - share) * model + share * self.personal.probability(word, previous)
        if letters:
            typed = straight(letters)
            for word in scored:
                if not straight(word).startswith(typed):
                    scored[word] *= _OTHER_FORM
        return scored

    def _shown(self, word: str, letters: str, before: str) -> str:
        """A word in the capitals and with the apostrophe that the typist uses."""
        shouting = bool(letters) and len(letters) == 1 and _shouts(self.word_before(before))
        word = in_case_of(letters, word, shouting=shouting)
        curly = next((c for c in reversed(letters or before[-_LONGEST_WORD:]) if c in APOSTROPHES), "'") == "’"
        return word.replace("'", "’") if curly else word

    def _as_typed(self, point: Point, before: str, letters: str) -> tuple[float, bool]:
        """How likely the letters are meant as they are, and whether the text or the typist knows them as a word."""
        known = self._lexicon.number(letters)
        if known is None and letters[:1].isupper():
            known = self._lexicon.number(letters[:1].lower() + letters[1:])
        own = self.personal.probability(letters, self.word_before(before))
        if known is not None:
            odds = float(point.probabilities[self._ids[known]] * self._own_ends[known])
            return odds + self.personal.share * own, True
        odds, _ = self.follower.odds(point, normal(letters))
        return odds + self.personal.share * own, own > 0 and self.personal.times(letters) > 1

    def _is_on_purpose(self, before: str, letters: str) -> bool:
        """Whether letters are all capitals among words that are not: the name of a thing, such as API."""
        return _shouts(letters) and not _shouts(self.word_before(before))

    def _is_to_split(self, letters: str, scored: dict[str, float]) -> bool:
        """Whether two words run together are worth a thought: the letters begin no word that is known."""
        return (
            self._corrector is not None
            and len(letters) > _SHORTEST_SPLIT
            and not any(fold(word).startswith(fold(letters)) for word in scored)
        )

    def _split(self, point: Point, before: str, letters: str, least: float = 0.0) -> tuple[float, str] | None:
        """Two words that were run together, and how likely they are; None where that is not more than `least`."""
        best: tuple[float, str] | None = None
        assert self._corrector is not None
        for cut in range(1, len(letters)):
            first, second = self._lexicon.number(letters[:cut]), self._lexicon.number(letters[cut:])
            if first is None or second is None:
                continue
            odds = float(point.probabilities[self._ids[first]] * self._own_ends[first])
            if odds * self._corrector.space_left_out <= max(least, 0.0 if best is None else best[0]):
                continue
            if point.state is None:
                point = self.point(before)
            after = self.follower.predictor.step(int(self._ids[first]), point.state)[0]
            follows = float(after[self._ids[second]] * self._own_ends[second])
            if min(cut, len(letters) - cut) == 1 and min(odds, follows) < _ONE_LETTER:
                continue  # letters are tokens, too, but few of them are words
            odds *= follows * self._corrector.space_left_out
            if odds > max(least, 0.0 if best is None else best[0]):
                best = odds, f"{letters[:cut]} {letters[cut:]}"
        return best

    def _joined(self, before: str, letters: str) -> tuple[float, str, int] | None:
        """The word that a space cut apart, how likely it is beside the two that were typed, and what it replaces."""
        previous = self.word_before(before)
        assert self._corrector is not None
        if not previous or not before.endswith(previous + " ") or self._lexicon.number(letters) is not None:
            return None
        numbers = self._lexicon.all_of(fold(previous + letters))
        if not numbers:
            return None
        start = before[: len(before) - len(previous) - 1]
        point = self.point(start)
        apart, _ = self.follower.odds(point, previous)
        likely = point.probabilities[self._ids] * self._own_ends
        number = max(numbers, key=lambda i: likely[i])
        odds = float(likely[number]) * self._corrector.space_too_many / max(apart, 1e-12)
        shown = self._shown(self._lexicon.words[number], previous, start)
        return odds, shown, len(previous) + 1 + len(letters)


def _shouts(word: str) -> bool:
    return len(word) > 1 and word.isupper()


def _check(text: Any, count: Any) -> None:
    if not isinstance(text, str):
        raise InputError(f"got {text!r} of type {type(text).__name__}: expected what was typed so far, as text")
    if isinstance(count, bool) or not isinstance(count, int | np.integer) or count < 1:
        raise InputError(f"got count={count!r}: expected a whole number of 1 or more")


def word_ends(ngram: NGram, vocabulary: WordVocabulary) -> NDArray[np.float64]:
    """How likely a word ends with each token: what the n-gram leaves after the pieces that may continue it."""
    continues = vocabulary.continues
    if ngram.order < 2:
        return np.full(len(vocabulary), 1 - ngram.unigram[continues].sum())
    pairs = ngram.levels[0]
    parent = np.repeat(np.arange(len(vocabulary)), pairs.children)
    counted = np.bincount(parent, pairs.shares * continues[pairs.tokens], minlength=len(vocabulary))
    return 1 - np.minimum(1, counted + pairs.backoff * ngram.unigram[continues].sum())
