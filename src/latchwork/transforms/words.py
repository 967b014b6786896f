"""A vocabulary of words, of pieces that spell the rarer ones, and of digits that spell any character."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from latchwork.core.errors import InputError
from latchwork.transforms.counting import CONTINUES, choose_tokens, longest_beginning
from latchwork.transforms.segments import LATEST, Segment, clusters, is_word, normal, segmenter, space_is_due
from latchwork.transforms.spelling import DIGITS, UNKNOWN, digits_of, reader

JOIN, SPACE = "\u2060", "\u2423"  # no space where one is the rule; one space more than the rule
_FIRST_DIGIT = 3  # the marks are before it
_MOST_KEPT = 300_000  # chunks whose tokens are remembered
_MOST_IN_A_PIECE = 8  # clusters of unspaced script


class _Chunk(NamedTuple):
    """What stands between two spaces: its tokens, and whether a space before and after it is the rule."""

    ids: tuple[int, ...]
    before: bool
    after: bool


@dataclass(frozen=True)
class WordVocabulary:
    """Frequent words; the others are spelt: the longest known beginning, then pieces that continue it.

    The space between two words is the rule and costs no token; `tokens[1]` says that it is missing and
    `tokens[2]` that there is one more. Case is kept. A character that is no token is spelt in sixteen digits
    (`transforms.spelling`), after `tokens[0]` where a word or sign begins with it. Version 1 has no digits: there id 0
    is every unknown character.

    Example:
        >>> vocabulary = WordVocabulary.fit(["a cat, a cat"], size=60)
        >>> ids = vocabulary.encode("a cat, a act")
        >>> [vocabulary.tokens[i] for i in ids][:4]
        ['a', 'cat', ',', 'a']
        >>> add = vocabulary.decoder()
        >>> "".join(add(i) for i in vocabulary.encode("a cat, naïve 猫").tolist())
        'a cat, naïve 猫'
    """

    tokens: tuple[str, ...]
    version: int = LATEST

    def __post_init__(self) -> None:
        """Refuse tokens that this vocabulary could not have made."""
        if self.tokens[:3] != (UNKNOWN, JOIN, SPACE):
            raise InputError("got a word vocabulary without its three marks at the front")
        if len(set(self.tokens)) != len(self.tokens) or not all(self.tokens):
            raise InputError("got a word vocabulary with repeated or empty tokens")
        if self.version > 1 and self.tokens[_FIRST_DIGIT : _FIRST_DIGIT + len(DIGITS)] != DIGITS:
            raise InputError("got a word vocabulary without the digits that spell what it does not have")

    @classmethod
    def fit(cls, chunks: Iterable[str], size: int = 12_000) -> WordVocabulary:
        """Collect the words of a text given in pieces.

        Args:
            chunks: the text, cut anywhere; at line ends it is cut without loss.
            size: tokens at most, the digits not counted. Characters come first, then words by frequency, seen twice
                or more, and last the endings that spell the rarer words in few tokens.
        """
        return cls((UNKNOWN, JOIN, SPACE, *DIGITS, *choose_tokens(chunks, size - 3)))

    @property
    def units(self) -> str:
        """Always `"word"`."""
        return "word"

    @property
    def spelling(self) -> NDArray[np.int64] | None:
        """The mark, then the ids of the sixteen digits."""
        return None if self.version == 1 else np.array([0, *range(_FIRST_DIGIT, _FIRST_DIGIT + len(DIGITS))])

    @property
    def unwritten(self) -> NDArray[np.int64]:
        """What is unknown or spelt."""
        return np.zeros(1, np.int64) if self.spelling is None else self.spelling

    @property
    def silent(self) -> NDArray[np.int64]:
        """The mark of a missing space."""
        return np.array([1])

    def __len__(self) -> int:
        """The number of tokens."""
        return len(self.tokens)

    @cached_property
    def ids(self) -> dict[str, int]:
        """The id of each token."""
        return {token: i for i, token in enumerate(self.tokens)}

    @cached_property
    def is_word(self) -> NDArray[np.bool_]:
        """Which tokens begin a word, `[tokens]`."""
        return np.array([is_word(token, self.version) for token in self.tokens])

    @cached_property
    def continues(self) -> NDArray[np.bool_]:
        """Which tokens continue the word before them, `[tokens]`."""
        return np.array([len(t) > 1 and t[0] == CONTINUES for t in self.tokens])

    def encode(self, text: str, after: str | None = None) -> NDArray[np.int32]:
        """The words, spelt where they are unknown, and what stands between them.

        Args:
            text: what to encode.
            after: the word or sign just before it, where it goes on from an earlier text.
        """
        if self.version > 1:
            text = normal(text)
        return np.array(self._encode(text, after), np.int32)

    def last_segment(self, text: str) -> str | None:
        """The word or sign that a text ends with: what a text that goes on from it comes `after`."""
        last = text[-80:].rpartition("\n")
        if not last[2]:
            return "\n" if last[1] else None
        chunk = last[2].rpartition(" ")[2]
        return segmenter(self.version)(normal(chunk) if self.version > 1 else chunk)[-1].text if chunk else None

    def _encode(self, text: str, after: str | None) -> list[int]:
        ids: list[int] = []
        newline = self._chunk("\n")
        kept = self._kept
        due = after is not None and space_is_due(after, "a", self.version)
        for number, line in enumerate(text.split("\n")):
            if number:
                ids += newline.ids
                due = False
            spaces = -1
            for part in line.split(" "):
                spaces += 1
                if part:
                    chunk = kept.get(part) or self._chunk(part)
                    extra = spaces - (due and chunk.before)
                    if extra:
                        ids += (1,) if extra < 0 else (2,) * extra
                    ids += chunk.ids
                    due, spaces = chunk.after, 0
            if spaces:
                ids += (2,) * spaces
        return ids

    @cached_property
    def _kept(self) -> dict[str, _Chunk]:
        return {}

    def _chunk(self, text: str) -> _Chunk:
        """The tokens of a piece of text without spaces inside; kept, since most come again."""
        segments = [Segment("\n", "sign")] if text == "\n" else segmenter(self.version)(text)
        ids: list[int] = []
        before: str | None = None
        for segment in segments:
            if space_is_due(before, segment.text, self.version):
                ids.append(1)
            ids += self._segment(segment)
            before = segment.text
        assert before is not None
        if len(self._kept) >= _MOST_KEPT:
            self._kept.clear()
        first = space_is_due("a", segments[0].text, self.version)
        chunk = self._kept[text] = _Chunk(tuple(ids), first, space_is_due(before, "a", self.version))
        return chunk

    def _segment(self, segment: Segment) -> Iterator[int]:
        text, kind = segment
        known = self.ids.get(text, 0)
        if known >= _FIRST_DIGIT:
            yield known
        elif kind == "run":
            yield from self._run(clusters(text))
        elif kind == "sign":
            yield from self._begin(text) if self.version > 1 else [known]
        else:
            yield from self._spell(text)

    def _run(self, parts: list[str]) -> Iterator[int]:
        """A run of unspaced script: the longest known pieces, one after the other."""
        at = 0
        while at < len(parts):
            for end in range(min(len(parts), at + _MOST_IN_A_PIECE), at, -1):
                known = self.ids.get("".join(parts[at:end]))
                if known is not None:
                    yield known
                    at = end
                    break
            else:
                yield from self._begin(parts[at])
                at += 1

    def _spell(self, word: str) -> Iterator[int]:
        ids = self.ids
        beginning = longest_beginning(word, ids.__contains__)
        if beginning in ids:
            yield ids[beginning]
        elif self.version > 1:
            yield from self._begin(beginning)
        else:
            yield 0
        rest = word[len(beginning) :]
        while rest:
            piece = longest_beginning(rest, lambda part: CONTINUES + part in ids)
            if CONTINUES + piece in ids:
                yield ids[CONTINUES + piece]
            else:
                yield from self._digits(piece) if self.version > 1 else [0]
            rest = rest[len(piece) :]

    def _begin(self, text: str) -> Iterator[int]:
        yield 0
        yield from self._digits(text)

    def _digits(self, text: str) -> Iterator[int]:
        return (_FIRST_DIGIT + digit for digit in digits_of(text))

    def decoder(self) -> Callable[[int], str]:
        """Each id gives its text with the space before it, if one is due; a spelt character with its last digit."""
        before: str | None = None
        joined = begins = False
        read = reader()
        spelt = range(_FIRST_DIGIT, _FIRST_DIGIT + len(DIGITS)) if self.version > 1 else range(0)

        def add(token_id: int) -> str:
            nonlocal before, joined, begins
            token = self.tokens[token_id]
            if token_id == 1:
                joined = True
                return ""
            if token_id == 2:
                return " "
            if token_id == 0 and spelt:
                begins = True
                return ""
            if token_id in spelt:
                token = read(token_id - _FIRST_DIGIT)
                if not begins or not token:
                    return token
                begins = False
            elif len(token) > 1 and token[0] == CONTINUES:
                return token[1:]
            space = not joined and space_is_due(before, token, self.version)
            before, joined = token, False
            return " " * space + token

        return add

    def to_dict(self) -> dict[str, Any]:
        """`{"units": "word", "version": 2, "tokens": [...]}`."""
        return {"units": "word", "tokens": list(self.tokens)} | ({"version": self.version} if self.version > 1 else {})
