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
FEWEST_TAKES = 8  # of the median word in sentences; with fewer, its letters are what recurs
FEWEST_SINGLE = 2  # of the median word where recordings are of a word each


@dataclass(frozen=True)
class Symbols:
    """The symbols that a recogniser writes; number 0 is the blank and stands for none.

    Args:
        units: whole words or characters.
        known: each once.
        other: whether a last number, after those of `known`, stands for anything else that is said: it is not written.
    """

    units: Units
    known: tuple[str, ...]
    other: bool = False

    def __post_init__(self) -> None:
        """Refuse what is no alphabet."""
        if self.units not in ("word", "char") or not self.known or len(set(self.known)) != len(self.known):
            raise InputError("a recogniser needs symbols, each once, that are words or characters")
        if not all(isinstance(symbol, str) and symbol for symbol in self.known):  # pyright: ignore
            raise InputError("a recogniser's symbols are texts")

    @property
    def outputs(self) -> int:
        """How many numbers a network gives at each step: the blank's, the symbols', perhaps the other's."""
        return 1 + len(self.known) + self.other

    @property
    def other_number(self) -> int | None:
        """What stands for anything else that is said, if something does."""
        return 1 + len(self.known) if self.other else None

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
        """The transcript that symbols stand for; what is none of them is not written."""
        pieces = [self.known[int(number) - 1] for number in numbers if int(number) != self.other_number]
        return " ".join(pieces) if self.units == "word" else " ".join("".join(pieces).split())

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data."""
        return asdict(self) | {"known": list(self.known)}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Symbols:
        """The symbols that `to_dict` described; files of before have no `other`."""
        return cls(data["units"], tuple(data["known"]), bool(data.get("other", False)))


def fit_symbols(
    texts: Sequence[str], units: Units | None = None, *, strings: bool = False, other: bool = False
) -> Symbols:
    """The symbols of transcripts; words or characters as the transcripts suggest where `units` is None.

    Args:
        texts: the transcripts.
        units: what they are written in.
        strings: whether several are also heard one after the other, with a blank between.
        other: whether something is to stand for all else.

    Example:
        >>> fit_symbols(["yes", "no"] * 10).units, fit_symbols(["good morning", "all the best"]).units
        ('word', 'char')
    """
    words = Counter(word for text in texts for word in text.split())
    single = sum(" " not in text for text in texts) > len(texts) / 2
    takes = FEWEST_SINGLE if single else FEWEST_TAKES
    few = len(words) <= MOST_WORDS and float(np.median(list(words.values()))) >= takes
    chosen = units or ("word" if few else "char")
    letters = set("".join(texts)) | ({" "} if strings else set())
    return Symbols(chosen, tuple(sorted(words if chosen == "word" else letters)), other)
