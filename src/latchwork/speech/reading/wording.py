"""What is said, as it is learned: words of any script, without case and punctuation, in Unicode's normal form C."""

from __future__ import annotations

import unicodedata

_JOINERS = "\u200c\u200d"  # they shape letters of Persian and Hindi, and belong to the word
_INSIDE = "'\u00b7\u05f3\u05f4.:"  # between two letters: UAX 29's MidLetter and MidNumLet
_INSIDE_NUMBERS = ".,'"
_APOSTROPHES = str.maketrans({"\u2019": "'", "\u02bc": "'", "\uff07": "'", "\u2018": "'"})


def spoken(text: str) -> str:
    """The words of a transcript, lower case, with one blank between.

    Letters, numbers and the marks on them make a word, and so do apostrophes and points inside it (rules WB 5 to 13 of
    Unicode's annex 29, without a dictionary for scripts that put no blanks between words: what is written in one piece
    there stays one word). Hyphens and underscores part words.

    Example:
        >>> spoken("Don\u2019t PANIC, Zoe\u0301!"), spoken("turn_on  the light-bulb")
        ("don't panic zo\u00e9", 'turn on the light bulb')
    """
    plain = unicodedata.normalize("NFC", text).translate(_APOSTROPHES)
    plain = unicodedata.normalize("NFC", plain.lower())
    kept = [letter if _belongs(plain, at) else " " for at, letter in enumerate(plain)]
    return " ".join("".join(kept).split())


def _belongs(text: str, at: int) -> bool:
    letter = text[at]
    if letter in _JOINERS or unicodedata.category(letter)[0] in "LMN":
        return True
    before = _base(text, at - 1, -1)
    after = _base(text, at + 1, 1)
    if letter in _INSIDE_NUMBERS and before == after == "N":
        return True
    return letter in _INSIDE and before == after == "L"


def _base(text: str, at: int, step: int) -> str:
    """The kind of the nearest character that is no mark: `L` a letter, `N` a number."""
    while 0 <= at < len(text) and (text[at] in _JOINERS or unicodedata.category(text[at])[0] == "M"):
        at += step
    return unicodedata.category(text[at])[0] if 0 <= at < len(text) else ""
