"""What a transcript is made of: whole words where there are few of them, characters where there are many."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from latchwork.core.errors import InputError

Units = Literal["word", "char"]
BLANK = 0  # the network's first output: nothing new here

MOST_WORDS = 200  # that are learned whole
FEWEST_TAKES = 8  # of the median word; with fewer, its letters are what recurs


@dataclass(frozen=True)
class Symbols:
    """The symbols that a recogniser writes; number 0 is the blank and stands for none."""

    units: Units
    known: tuple[str, ...]

    def __post_init__(self) -> None:
        """Refuse what is no alphabet."""
        if self.units not in ("word", "char") or not self.known or len(set(self.known)) != len(self.known):
            raise InputError("a recogniser needs symbols, each once, that are words or characters")
        if not all(isinstance(symbol, str) and symbol for symbol in self.known):  # pyright: ignore
            raise InputError("a recogniser's symbols are texts")

    def encode(self, text: str) -> NDArray[np.int32]:
        """The numbers of a transcript's symbols; raises `InputError` on one that is not known."""
        pieces = text.split() if self.units == "word" else list(text)
        numbers = {symbol: number for number, symbol in enumerate(self.known, start=1)}
        if unknown := [piece for piece in pieces if piece not in numbers]:
            raise InputError(
                f"{unknown[0]!r} in {text!r} is no {'word' if self.units == 'word' else 'character'} known"
            )
        return np.array([numbers[piece] for piece in pieces], np.int32)

    def decode(self, numbers: Sequence[int] | NDArray[np.integer]) -> str:
        """The transcript that symbols stand for."""
        pieces = [self.known[int(number) - 1] for number in numbers]
        return " ".join(pieces) if self.units == "word" else " ".join("".join(pieces).split())

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data."""
        return asdict(self) | {"known": list(self.known)}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Symbols:
        """The symbols that `to_dict` described."""
        return cls(data["units"], tuple(data["known"]))


def fit_symbols(texts: Sequence[str], units: Units | None = None) -> Symbols:
    """The symbols of transcripts; words or characters as the transcripts suggest where `units` is None.

    Example:
        >>> fit_symbols(["yes", "no"] * 10).units, fit_symbols(["good morning", "all the best"]).units
        ('word', 'char')
    """
    words = Counter(word for text in texts for word in text.split())
    few = len(words) <= MOST_WORDS and float(np.median(list(words.values()))) >= FEWEST_TAKES
    chosen = units or ("word" if few else "char")
    return Symbols(chosen, tuple(sorted(words)) if chosen == "word" else tuple(sorted(set("".join(texts)))))
