"""A vocabulary of characters: those that the training text held, and sixteen tokens that spell all others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latchwork.core.errors import InputError
from latchwork.transforms.segments import LATEST, normal
from latchwork.transforms.spelling import DIGITS, UNKNOWN, digits_of, reader


@dataclass(frozen=True)
class CharacterVocabulary:
    """Every character that the training text held, in code-point order, after `UNKNOWN`; then the spelling digits.

    Version 1 has no digits: id 0 is every unknown character.

    Example:
        >>> vocabulary = CharacterVocabulary.fit(["to be"])
        >>> vocabulary.tokens[:6]
        ('�', ' ', 'b', 'e', 'o', 't')
        >>> vocabulary.encode("bet?").tolist()  # ? is byte 3f
        [2, 3, 5, 9, 21]
    """

    tokens: tuple[str, ...]
    version: int = LATEST

    def __post_init__(self) -> None:
        """Refuse tokens that this vocabulary could not have made."""
        characters = self._characters
        if self.tokens[:1] != (UNKNOWN,) or any(len(c) != 1 for c in characters):
            raise InputError("got a character vocabulary whose tokens are not single characters after U+FFFD")
        if any(a >= b for a, b in pairwise(characters)):
            raise InputError("got a character vocabulary out of order or with repeats")
        if self.version > 1 and self.tokens[-len(DIGITS) :] != DIGITS:
            raise InputError("got a character vocabulary without the digits that spell what it does not have")

    @classmethod
    def fit(cls, chunks: Iterable[str], size: int = 4096) -> CharacterVocabulary:
        """Collect the characters of a text given in pieces; past `size`, digits apart, the rarest are spelt."""
        counts: Counter[int] = Counter()
        for chunk in chunks:
            found, times = np.unique(_code_points(normal(chunk)), return_counts=True)
            counts.update(dict(zip(found.tolist(), times.tolist(), strict=True)))
        del counts[ord(UNKNOWN)]
        kept = sorted(chr(point) for point, _ in counts.most_common(size - 1))
        return cls((UNKNOWN, *kept, *DIGITS))

    @property
    def units(self) -> str:
        """Always `"char"`."""
        return "char"

    @property
    def spelling(self) -> NDArray[np.int64] | None:
        """No mark, then the ids of the sixteen digits."""
        if self.version == 1:
            return None
        return np.array([-1, *range(len(self.tokens) - len(DIGITS), len(self.tokens))])

    @property
    def unwritten(self) -> NDArray[np.int64]:
        """What is unknown or spelt."""
        return np.zeros(1, np.int64) if self.spelling is None else np.array([0, *self.spelling[1:]])

    @property
    def silent(self) -> NDArray[np.int64]:
        """Nothing."""
        return np.zeros(0, np.int64)

    def __len__(self) -> int:
        """The number of tokens."""
        return len(self.tokens)

    @property
    def _characters(self) -> tuple[str, ...]:
        return self.tokens[1:] if self.version == 1 else self.tokens[1 : -len(DIGITS)]

    @cached_property
    def _points(self) -> NDArray[np.uint32]:
        return np.array([ord(c) for c in self._characters], np.uint32)

    def encode(self, text: str) -> NDArray[np.int32]:
        """One id a character; the digits of those that are not there."""
        points = _code_points(text if self.version == 1 else normal(text))
        if len(self._points) == 0:
            ids = np.zeros(len(points), np.int32)
        else:
            index = np.minimum(np.searchsorted(self._points, points), len(self._points) - 1)
            ids = np.where(self._points[index] == points, index + 1, 0).astype(np.int32)
        return ids if self.version == 1 else self._spelt(ids, points)

    def _spelt(self, ids: NDArray[np.int32], points: NDArray[np.uint32]) -> NDArray[np.int32]:
        unknown = np.flatnonzero(ids == 0)
        if len(unknown) == 0:
            return ids
        first = len(self.tokens) - len(DIGITS)
        digits = {p: np.array(digits_of(chr(p)), np.int32) + first for p in np.unique(points[unknown]).tolist()}
        pieces: list[NDArray[np.int32]] = []
        at = 0
        for place in unknown.tolist():
            pieces += [ids[at:place], digits[int(points[place])]]
            at = place + 1
        return np.concatenate([*pieces, ids[at:]])

    def decoder(self) -> Callable[[int], str]:
        """One character an id; spelt ones appear with their last digit."""
        if self.version == 1:
            return self.tokens.__getitem__
        first, read = len(self.tokens) - len(DIGITS), reader()
        return lambda token: self.tokens[token] if token < first else read(token - first)

    def to_dict(self) -> dict[str, Any]:
        """`{"units": "char", "version": 2, "tokens": [...]}`."""
        return {"units": "char", "tokens": list(self.tokens)} | ({"version": self.version} if self.version > 1 else {})


def _code_points(text: str) -> NDArray[np.uint32]:
    return np.frombuffer(text.encode("utf-32-le", errors="surrogatepass"), np.uint32)
