"""Keyboard layouts as data: which keys lie beside which."""

from __future__ import annotations

from functools import cache

from latchwork.core.errors import InputError

# Rows from the top, each with how far its first key is to the right of the first row's, in keys.
LAYOUTS: dict[str, tuple[tuple[float, str], ...]] = {
    "qwerty": ((0.0, "qwertyuiop"), (0.25, "asdfghjkl"), (0.75, "zxcvbnm")),
    "qwertz": ((0.0, "qwertzuiopü"), (0.25, "asdfghjklöä"), (0.75, "yxcvbnm")),
    "azerty": ((0.0, "azertyuiop"), (0.25, "qsdfghjklm"), (0.75, "wxcvbn")),
    "йцукен": ((0.0, "йцукенгшщзхъ"), (0.25, "фывапролджэ"), (0.75, "ячсмитьбю")),
}
_NAMES = {"jcuken": "йцукен"}
_NEAR = 1.3  # keys apart, centre to centre, up to which a finger lands on the wrong one


def rows_of(name: str) -> tuple[tuple[float, str], ...]:
    """A layout's rows; raises `InputError` on one that is not known."""
    known = _NAMES.get(name.lower(), name.lower())
    if known not in LAYOUTS:
        raise InputError(f"got the layout {name!r}: expected one of {', '.join(LAYOUTS)}")
    return LAYOUTS[known]


@cache
def neighbours(name: str) -> dict[str, str]:
    """The letters on the keys around each letter's.

    Example:
        >>> sorted(neighbours("qwerty")["s"])
        ['a', 'd', 'e', 'w', 'x', 'z']
    """
    places = {
        letter: (left + at, row) for row, (left, keys) in enumerate(rows_of(name)) for at, letter in enumerate(keys)
    }
    return {
        letter: "".join(
            other
            for other, (right, below) in places.items()
            if other != letter and (right - x) ** 2 + (below - y) ** 2 <= _NEAR**2
        )
        for letter, (x, y) in places.items()
    }


def layout_for(letters: str) -> str:
    """The layout that has most of a text's letters: the first one that is as good as any."""
    seen = set(letters.lower())
    return max(LAYOUTS, key=lambda name: len(seen & {key for _, keys in LAYOUTS[name] for key in keys}))
