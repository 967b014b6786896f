"""Where words begin and end, in any script, and where a space between two of them is the rule.

Words follow Unicode's rules (UAX 29) as far as a keyboard and a language model want them: letters and digits with the
marks that belong to them (vowel signs, points, joiners), and apostrophes and hyphens inside. Full stops always end a
word, since people forget the space after one, and underscores too. Scripts that put no spaces between words (Chinese,
Japanese, Thai, Lao, Khmer, Burmese) come as runs, which a vocabulary cuts by what it knows. Everything else is a sign:
a grapheme cluster, so that an emoji with its skin tone or its joiners is one.

Two versions of the rules are known: `1`, by which models were saved that knew no marks, and `2`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

from latchwork.core.errors import LatchworkError

LATEST = 2
OLDEST_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
"""A word by the first rules, and by the latest where all is ASCII."""
MARKS = r"\p{M}\u200c\u200d\u00ad"
UNSPACED = (
    r"(?![\p{P}\p{S}\p{N}])[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}"
    r"\p{Script=Khmer}\p{Script=Myanmar}ー々〇ｰ]"
)
_LETTER = rf"(?!{UNSPACED})[\p{{L}}\p{{N}}][{MARKS}]*"
_WORD = rf"(?:{_LETTER})+(?:['’\-‐‑׳״](?:{_LETTER})+)*"
_RUN = rf"(?:{UNSPACED}[{MARKS}]*)+"
_OLDEST_SEGMENT = re.compile(rf"({OLDEST_WORD.pattern})|[\s\S]")

NO_SPACE_BEFORE = frozenset("\n\r\t.,!?;:)]}%…'’\"”-/")
NO_SPACE_AFTER = frozenset('\n\r\t([{#$@/-_‘“"')
_WIDE = frozenset("。、，！？；：）」』】》…（「『【《・")  # signs of unspaced scripts: no space on either side


class Segment(NamedTuple):
    """A piece of a text: its words, runs of unspaced script and signs; `kind` is `word`, `run` or `sign`."""

    text: str
    kind: str


@cache
def pattern(source: str) -> Any:
    """A compiled pattern that may ask for Unicode's properties."""
    try:
        import regex  # here: English needs none of it
    except ModuleNotFoundError as error:  # pragma: no cover - it is a dependency
        raise LatchworkError("words outside ASCII need the package regex: pip install regex") from error
    return regex.compile(source)


def normal(text: str) -> str:
    """The text in Unicode's normal form C, in which the same letters are the same characters."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def segmenter(version: int) -> Callable[[str], list[Segment]]:
    """What cuts a text without spaces and line ends into segments; nothing is lost.

    Example:
        >>> [text for text, _ in segmenter(2)("don't,हिन्दी!")]
        ["don't", ',', 'हिन्दी', '!']
    """
    return _oldest if version == 1 else _latest


def clusters(text: str) -> list[str]:
    """The characters as a reader sees them: grapheme clusters."""
    return list(text) if text.isascii() else pattern(r"\X").findall(text)


def _oldest(text: str) -> list[Segment]:
    return [Segment(match[0], "word" if match[1] else "sign") for match in _OLDEST_SEGMENT.finditer(text)]


def _latest(text: str) -> list[Segment]:
    if text.isascii():
        return _oldest(text)
    found = pattern(rf"({_WORD})|({_RUN})|\X").finditer(text)
    return [Segment(match[0], ("sign", "word", "run")[match.lastindex or 0]) for match in found]


def words_of(text: str, version: int = LATEST) -> list[tuple[int, str]]:
    """Where each word of a text begins, and the word; runs of unspaced script count as one."""
    if version == 1 or text.isascii():
        return [(match.start(), match[0]) for match in OLDEST_WORD.finditer(text)]
    return [(match.start(), match[0]) for match in pattern(rf"{_WORD}|{_RUN}").finditer(text)]


def word_being_typed(text: str, version: int = LATEST) -> str:
    """The beginning of a word that a text ends with, an apostrophe or hyphen after it included; empty between words."""
    if version == 1 or text.isascii():
        match = _BEING_TYPED.search(text)
    else:
        match = pattern(rf"(?:{_WORD})['’\-‐‑׳״]?\Z|(?:{_RUN})\Z|\Z").search(text)
    return match[0] if match else ""


_BEING_TYPED = re.compile(OLDEST_WORD.pattern + r"['’-]?\Z|\Z")


def is_word(text: str, version: int = LATEST) -> bool:
    """Whether a text is one word, or a piece of unspaced script."""
    if version == 1 or text.isascii():
        return OLDEST_WORD.fullmatch(text) is not None
    return pattern(rf"{_WORD}|{_RUN}").fullmatch(text) is not None


@cache
def is_unspaced(character: str) -> bool:
    """Whether a character is of a script that puts no spaces between words, or one of its signs."""
    if character.isascii():
        return False
    return character in _WIDE or pattern(UNSPACED).match(character) is not None


def space_is_due(before: str | None, after: str, version: int = LATEST) -> bool:
    """Whether a space between two segments is the rule; their first characters decide."""
    if before is None or before[0] in NO_SPACE_AFTER or after[0] in NO_SPACE_BEFORE:
        return False
    return version == 1 or not (is_unspaced(before[0]) or is_unspaced(after[0]))
