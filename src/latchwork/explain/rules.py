"""Plain rules that a unit might follow: what can be said of a step without looking into the network.

A rule is one number for each step, or a tuple of such numbers that are taken together, such as the powers of a position
(a curve over it) or a season's cosine and sine (any phase).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Rule = Numbers | tuple[Numbers, ...]

QUOTES = '"“”«»'
OPENING, CLOSING = "([{", ")]}"
PUNCTUATION = ".,;:!?"
FADING = 8.0  # tokens over which a count levels off, where a unit's does
LONG = 80.0  # tokens, of a long line or sentence


def plain_rules(data: NDArray[np.floating] | NDArray[np.integer]) -> dict[str, Rule]:
    """What can be read from numbers alone.

    Of sequences `[batch, time, features]`: the position (an image's row), and of the mean over features the level, its
    change and its mean so far. Of token numbers `[batch, time]`: the position.
    """
    tokens = np.issubdtype(data.dtype, np.integer)
    steps = data.shape[-1] if tokens else data.shape[-2]
    rules: dict[str, Rule] = {"position": _curve(np.arange(steps) / max(steps - 1, 1))}
    if tokens:
        return rules
    level = data.mean(axis=-1, dtype=np.float64)
    change = np.diff(level, axis=-1, prepend=level[..., :1])
    return rules | {"level": level, "change": change, "mean so far": level.cumsum(axis=-1) / np.arange(1, steps + 1)}


def text_rules(text: str | Sequence[str]) -> dict[str, Rule]:
    """For every token of a text (each letter of a string): places in line, word and sentence, quotes, and kinds."""
    quotes, brackets, line, word, sentence = False, 0, 0, 0, 0
    rows: list[dict[str, float]] = []
    for token in text:
        opened = sum(letter in OPENING for letter in token) - sum(letter in CLOSING for letter in token)
        quotes ^= sum(letter in QUOTES for letter in token) % 2 == 1
        brackets = max(0, brackets + opened)
        rows.append(
            {
                "position in line": line,
                "position in word": word,
                "position in sentence": sentence,
                "inside quotes": quotes,
                "inside brackets": brackets > 0,
                "line's end": "\n" in token,
                "word's start": word == 0 and token.isalpha(),
                "capital": token.isupper(),
                "vowel": token.lower() in tuple("aeiou"),
                "digit": token.isdigit(),
                "space": token.isspace(),
                "punctuation": token in tuple(PUNCTUATION),
            }
        )
        line = 0 if "\n" in token else line + 1
        word = word + 1 if token.isalpha() else 0
        sentence = 0 if token.strip()[-1:] in tuple(".!?") and token.strip() else sentence + 1
    if not rows:
        return {}
    columns = {name: np.array([row[name] for row in rows], np.float64) for name in rows[0]}
    counts: dict[str, Rule] = {
        name: (values / LONG, 1 - np.exp(-values / FADING)) for name, values in columns.items() if "position" in name
    }
    return {**columns, **counts}


def season_rules(steps: int, period: int) -> dict[str, Rule]:
    """Where in the season each of `steps` stands, whatever month it starts in, and how far the series has come."""
    angle = 2 * np.pi * np.arange(steps) / period
    return {"season": (np.cos(angle), np.sin(angle)), "trend": np.arange(steps) / max(steps - 1, 1)}


def _curve(values: NDArray[np.floating]) -> tuple[Numbers, ...]:
    """A cubic over values between 0 and 1: a unit may rise and fall again."""
    return tuple(np.asarray(values, np.float64) ** power for power in (1, 2, 3))
