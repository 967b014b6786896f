"""How well a keyboard mends slips: a typist whose fingers go wrong at a stated rate, and what became of it.

The noise model: each letter of a word, independently, goes wrong with probability `rate`; then it is, with these
shares, struck as a key beside it (50 %, on the layout), swapped with the letter after it (20 %), left out (20 %) or
doubled (10 %). What cannot go wrong in the way drawn (no neighbour, no letter after it) stays right. Digits and signs
never go wrong. Slips that happen to give another word count like all others.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from latchwork.core.errors import InputError
from latchwork.text.keyboard import Keyboard
from latchwork.text.layouts import neighbours
from latchwork.text.typist import words_typed
from latchwork.transforms.segments import normal

RATE = 0.05
_SHARES = (("neighbour", 0.5), ("swapped", 0.7), ("left out", 0.9), ("doubled", 1.0))  # cumulative


@dataclass(frozen=True)
class Mended:
    """What became of slips; shares are 0 to 1.

    Attributes:
        rate, seed, layout: of the noise model.
        slips: words in which something went wrong.
        first, third: share of them whose right word stood first, or among three, when all their letters were typed.
        changed: share of them that a space would have put right by itself.
        right: words that were typed without a slip.
        spoilt: share of these that a space would have changed into another word.
        p95_ms: latency of a correction.
    """

    rate: float
    seed: int
    layout: str
    slips: int
    first: float
    third: float
    changed: float
    right: int
    spoilt: float
    p95_ms: float


def slip(word: str, random: np.random.Generator, layout: str, rate: float = RATE) -> str:
    """A word as fingers that go wrong type it.

    Example:
        >>> slip("keyboard", np.random.default_rng(1), "qwerty", rate=0.2)
        'keeyboard'
    """
    near, letters, typed, at = neighbours(layout), list(word), "", 0
    while at < len(letters):
        letter, goes_wrong, kind = letters[at], random.random() < rate, random.random()
        how = next(name for name, most in _SHARES if kind < most)
        at += 1
        if not goes_wrong or not letter.isalpha():
            typed += letter
        elif how == "neighbour" and (beside := near.get(letter.lower())):
            key = beside[int(random.integers(len(beside)))]
            typed += key.upper() if letter.isupper() else key
        elif how == "swapped" and at < len(letters) and letters[at].isalpha() and letters[at] != letter:
            typed += letters[at] + letter
            at += 1
        elif how == "left out" and len(letters) > 1:
            continue
        else:
            typed += letter * 2 if how == "doubled" else letter
    return typed or word


def measure_slips(keyboard: Keyboard, text: str, slips: int = 1000, *, rate: float = RATE, seed: int = 0) -> Mended:
    """Type a text with slips, and see what the keyboard makes of each word.

    Args:
        keyboard: one that corrects.
        text: what is meant.
        slips: stop when so many words went wrong.
        rate: of the noise model, a letter.
        seed: of what goes wrong.

    Raises:
        InputError: the keyboard does not correct, or the text holds no words.
    """
    layout = keyboard.layout
    if layout is None:
        raise InputError("got a keyboard that corrects nothing: there are no slips to mend")
    random = np.random.default_rng(seed)
    places: list[int] = []
    right = spoilt = changed = 0
    seconds: list[float] = []
    for word in words_typed(keyboard, normal(text)):
        if not any(c.isalpha() for c in word.word):
            continue
        typed = slip(word.word, random, layout, rate)
        before = word.context + word.before
        began = time.perf_counter()
        correction = keyboard.correct(before + typed)
        seconds.append(time.perf_counter() - began)
        after = (
            None if correction is None else before[: len(before) + len(typed) - correction.replaces] + correction.text
        )
        if typed == word.word:
            right, spoilt = right + 1, spoilt + (after is not None)
            continue
        changed += after == before + word.word
        offered = keyboard.suggest(before + typed)
        places.append(offered.index(word.word) if word.word in offered else 3)
        if len(places) == slips:
            break
    if not right + len(places):
        raise InputError("got a text without words: there is nothing to type")
    return Mended(
        rate=rate,
        seed=seed,
        layout=layout,
        slips=len(places),
        first=_share(sum(place < 1 for place in places), len(places)),
        third=_share(sum(place < 3 for place in places), len(places)),
        changed=_share(changed, len(places)),
        right=right,
        spoilt=_share(spoilt, right),
        p95_ms=float(np.percentile(seconds, 95) * 1000),
    )


def _share(some: int, all_: int) -> float:
    return some / all_ if all_ else 0.0
