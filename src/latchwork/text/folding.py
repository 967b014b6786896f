"""Words as a hurried typist sees them: without case, accents, points, apostrophes and hyphens."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

_LEFT_OUT = frozenset("'’‘ʼ-‐‑·׳״\u0640\u00ad\u200c\u200d")
_LETTERS = {"æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ı": "i"}
APOSTROPHES = "'’‘ʼ"
CLASSES_LEFT_OUT = (range(10, 37), range(200, 241))
"""Combining classes of accents above and below, and of the points of Hebrew and Arabic: what one may leave out. The
vowel signs of Indic scripts and of Thai have others, and stay.
"""


@lru_cache(maxsize=200_000)
def fold(word: str) -> str:
    """A word's letters alone.

    Example:
        >>> fold("Don’t"), fold("naïve"), fold("Straße"), fold("हिन्दी")
        ('dont', 'naive', 'strasse', 'हिन्दी')
    """
    folded = word.casefold()
    if not folded.isascii():
        apart = unicodedata.normalize("NFD", folded)
        kept = (c for c in apart if not any(unicodedata.combining(c) in few for few in CLASSES_LEFT_OUT))
        folded = unicodedata.normalize("NFC", "".join(_LETTERS.get(c, c) for c in kept))
    return "".join(c for c in folded if c not in _LEFT_OUT)


def straight(word: str) -> str:
    """The word with straight apostrophes."""
    return word.replace("’", "'").replace("‘", "'").replace("ʼ", "'")


def in_case_of(typed: str, word: str, *, shouting: bool = False) -> str:
    """A word in the capitals that were typed: `The` for `Th`, `THE` for `TH`; as it is where its own fit.

    Args:
        typed: the letters typed so far.
        word: as the vocabulary has it.
        shouting: the word before was in capitals, so that one capital is enough.
    """
    letters = [c for c in typed if c.isalpha()]
    capitals = sum(c.isupper() for c in letters)
    if capitals and capitals == len(letters) and (capitals > 1 or shouting):
        return word.upper()
    if letters and letters[0].isupper() and word[:1].islower():
        return word[:1].upper() + word[1:]
    return word
