"""Characters that a vocabulary does not have, spelt: each byte of their UTF-8 as two tokens, its hexadecimal digits.

Sixteen tokens are all it takes to write every character there is, so none is unknown.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable

UNKNOWN = "\ufffd"
"""What stands for a character outside the vocabulary in models that spell none; token 0 of all but bytes."""

DIGITS = tuple(UNKNOWN + digit for digit in "0123456789abcdef")
"""How the tokens are listed in a vocabulary."""


def digits_of(text: str) -> list[int]:
    """The hexadecimal digits of a text's UTF-8, as numbers.

    Example:
        >>> digits_of("é")
        [12, 3, 10, 9]
    """
    return [digit for byte in text.encode("utf-8", errors="replace") for digit in divmod(byte, 16)]


def reader() -> Callable[[int], str]:
    """A function to call with one digit after another: each character appears with its last digit."""
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    high: int | None = None

    def read(digit: int) -> str:
        nonlocal high
        if high is None:
            high = digit
            return ""
        byte, high = bytes([16 * high + digit]), None
        return decoder.decode(byte)

    return read


def digits_in_character(first: int, second: int) -> int:
    """How many digits a character has whose first byte is made of these two."""
    byte = 16 * first + second
    return 2 * (1 if byte < 0xC0 else 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4)
