"""What a text is cut into: characters, bytes, or words with a sub-word fallback.

A vocabulary turns text into token ids and back, without loss on any text: what it does not have it spells
(`transforms.spelling`). They are plain data: `to_dict` is JSON, `from_dict` checks what it is given. Models that were
saved before spelling was known have version 1, in which id 0 stands for every unknown character.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from latchwork.core.errors import InputError
from latchwork.transforms.characters import CharacterVocabulary
from latchwork.transforms.segments import LATEST
from latchwork.transforms.spelling import UNKNOWN
from latchwork.transforms.words import WordVocabulary

__all__ = [
    "UNKNOWN",
    "ByteVocabulary",
    "CharacterVocabulary",
    "Decoder",
    "Vocabulary",
    "WordVocabulary",
    "decode",
    "fit_vocabulary",
    "token_dtype",
    "vocabulary_from_dict",
]

Decoder = Callable[[int], str]
"""Given the next token id, the text that it adds."""


class Vocabulary(Protocol):
    """What the models of text need from a vocabulary."""

    @property
    def units(self) -> str:
        """`"char"`, `"byte"` or `"word"`."""
        ...

    @property
    def spelling(self) -> NDArray[np.int64] | None:
        """The ids that spell what is no token: the mark before it (-1 where there is none), then the sixteen digits;
        None where nothing is spelt.
        """
        ...

    @property
    def unwritten(self) -> NDArray[np.int64]:
        """The ids that a writer never draws: what is unknown or spelt."""
        ...

    @property
    def silent(self) -> NDArray[np.int64]:
        """The ids that print nothing, of those that a writer may draw."""
        ...

    def __len__(self) -> int:
        """The number of tokens."""
        ...

    def encode(self, text: str) -> NDArray[np.int32]:
        """Token ids `[tokens]` of a text."""
        ...

    def decoder(self) -> Decoder:
        """A function to call with one id after another, for text that is written as it is drawn."""
        ...

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON from which `vocabulary_from_dict` builds the same vocabulary."""
        ...


def decode(vocabulary: Vocabulary, ids: Iterable[int]) -> str:
    """The text of a sequence of token ids."""
    add = vocabulary.decoder()
    return "".join(add(int(i)) for i in ids)


def vocabulary_from_dict(document: Any) -> Vocabulary:
    """Build the vocabulary that `to_dict` described.

    Raises:
        InputError: the document is not a vocabulary, or one of a later version.
    """
    units = document.get("units") if isinstance(document, dict) else None
    if units == "byte":
        return ByteVocabulary()
    kinds = {"char": CharacterVocabulary, "word": WordVocabulary}
    if units not in kinds:
        raise InputError(f"got a vocabulary of units {units!r}: expected char, byte or word")
    tokens, version = document.get("tokens"), document.get("version", 1)
    if not isinstance(tokens, list) or not all(isinstance(token, str) for token in tokens):
        raise InputError("got a vocabulary whose tokens are not a list of strings: the file is damaged")
    if version not in range(1, LATEST + 1):
        raise InputError(f"got a vocabulary of version {version!r}: this latchwork reads up to {LATEST}; upgrade it")
    return kinds[units](tuple(tokens), version)


@dataclass(frozen=True)
class ByteVocabulary:
    """The 256 bytes of UTF-8: no text is outside it."""

    @property
    def units(self) -> str:
        """Always `"byte"`."""
        return "byte"

    @property
    def spelling(self) -> None:
        """Nothing needs it."""
        return None

    @property
    def unwritten(self) -> NDArray[np.int64]:
        """Nothing."""
        return np.zeros(0, np.int64)

    silent = unwritten

    def __len__(self) -> int:
        """The number of tokens."""
        return 256

    def encode(self, text: str) -> NDArray[np.int32]:
        """The bytes of a text in UTF-8."""
        return np.frombuffer(text.encode("utf-8", errors="replace"), np.uint8).astype(np.int32)

    def decoder(self) -> Decoder:
        """Characters appear when their last byte does; bytes that are no UTF-8 become U+FFFD."""
        incremental = codecs.getincrementaldecoder("utf-8")(errors="replace")
        return lambda token: incremental.decode(bytes([token]))

    def to_dict(self) -> dict[str, Any]:
        """`{"units": "byte"}`."""
        return {"units": "byte"}


def fit_vocabulary(units: str, chunks: Iterable[str], size: int | None = None) -> Vocabulary:
    """Build the vocabulary of the units asked for from a text given in pieces.

    Raises:
        InputError: the units are none of `char`, `byte` and `word`.
    """
    match units:
        case "byte":
            return ByteVocabulary()
        case "char":
            return CharacterVocabulary.fit(chunks, **_given(size))
        case "word":
            return WordVocabulary.fit(chunks, **_given(size))
        case _:
            raise InputError(f"got units={units!r}: expected 'char', 'byte' or 'word'")


def _given(size: int | None) -> dict[str, int]:
    return {} if size is None else {"size": size}


def token_dtype(vocabulary: Vocabulary | Sequence[str]) -> type[np.unsignedinteger[Any]]:
    """The smallest unsigned type that holds every id."""
    return np.uint8 if len(vocabulary) <= 256 else np.uint16 if len(vocabulary) <= 65536 else np.uint32
