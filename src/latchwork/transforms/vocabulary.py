"""What a text is cut into: characters, bytes, or words with a sub-word fallback.

A vocabulary turns text into token ids and back. All three are lossless on any text whose characters they know;
`ByteVocabulary` knows every text. They are plain data: `to_dict` is JSON, `from_dict` checks what it is given.
"""

from __future__ import annotations

import codecs
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from latchwork.core.errors import InputError

UNKNOWN = "\ufffd"
"""What stands for a character outside the vocabulary; id 0 of character and word vocabularies."""

Decoder = Callable[[int], str]
"""Given the next token id, the text that it adds."""


class Vocabulary(Protocol):
    """What the models of text need from a vocabulary."""

    @property
    def units(self) -> str:
        """`"char"`, `"byte"` or `"word"`."""
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
        InputError: the document is not a vocabulary.
    """
    units = document.get("units") if isinstance(document, dict) else None
    if units == "byte":
        return ByteVocabulary()
    kinds = {"char": CharacterVocabulary, "word": WordVocabulary}
    if units not in kinds:
        raise InputError(f"got a vocabulary of units {units!r}: expected char, byte or word")
    tokens = document.get("tokens")
    if not isinstance(tokens, list) or not all(isinstance(token, str) for token in tokens):
        raise InputError("got a vocabulary whose tokens are not a list of strings: the file is damaged")
    return kinds[units](tuple(tokens))


@dataclass(frozen=True)
class ByteVocabulary:
    """The 256 bytes of UTF-8: no text is outside it."""

    @property
    def units(self) -> str:
        """Always `"byte"`."""
        return "byte"

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


@dataclass(frozen=True)
class CharacterVocabulary:
    """Every character that the training text held, in code-point order, after `UNKNOWN`.

    Example:
        >>> vocabulary = CharacterVocabulary.fit(["to be"])
        >>> vocabulary.tokens
        ('�', ' ', 'b', 'e', 'o', 't')
        >>> vocabulary.encode("bet?").tolist()
        [2, 3, 5, 0]
    """

    tokens: tuple[str, ...]

    def __post_init__(self) -> None:
        """Refuse tokens that this vocabulary could not have made."""
        characters = self.tokens[1:]
        if self.tokens[:1] != (UNKNOWN,) or any(len(c) != 1 for c in characters):
            raise InputError("got a character vocabulary whose tokens are not single characters after U+FFFD")
        if any(a >= b for a, b in pairwise(characters)):
            raise InputError("got a character vocabulary out of order or with repeats")

    @classmethod
    def fit(cls, chunks: Iterable[str], size: int = 4096) -> CharacterVocabulary:
        """Collect the characters of a text given in pieces; past `size`, the rarest are left unknown."""
        counts: Counter[int] = Counter()
        for chunk in chunks:
            found, times = np.unique(_code_points(chunk), return_counts=True)
            counts.update(dict(zip(found.tolist(), times.tolist(), strict=True)))
        del counts[ord(UNKNOWN)]
        kept = sorted(chr(point) for point, _ in counts.most_common(size - 1))
        return cls((UNKNOWN, *kept))

    @property
    def units(self) -> str:
        """Always `"char"`."""
        return "char"

    def __len__(self) -> int:
        """The number of tokens."""
        return len(self.tokens)

    @cached_property
    def _points(self) -> NDArray[np.uint32]:
        return np.array([ord(c) for c in self.tokens[1:]], np.uint32)

    def encode(self, text: str) -> NDArray[np.int32]:
        """One id a character; 0 for the unknown ones."""
        points = _code_points(text)
        if len(self._points) == 0:
            return np.zeros(len(points), np.int32)
        index = np.minimum(np.searchsorted(self._points, points), len(self._points) - 1)
        return np.where(self._points[index] == points, index + 1, 0).astype(np.int32)

    def decoder(self) -> Decoder:
        """One character an id."""
        return self.tokens.__getitem__

    def to_dict(self) -> dict[str, Any]:
        """`{"units": "char", "tokens": [...]}`."""
        return {"units": "char", "tokens": list(self.tokens)}


def _code_points(text: str) -> NDArray[np.uint32]:
    return np.frombuffer(text.encode("utf-32-le", errors="surrogatepass"), np.uint32)


WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
"""A word: letters and digits, with apostrophes and hyphens inside."""

_SEGMENT = re.compile(rf"( *)({WORD.pattern}|[^ ]|\Z)")
_NO_SPACE_BEFORE = frozenset("\n\r\t.,!?;:)]}%…'’\"”-/")
_NO_SPACE_AFTER = frozenset('\n\r\t([{#$@/-_‘“"')
_JOIN, _SPACE = "\u2060", "\u2423"  # no space where one is the rule; one space more than the rule
_CONTINUES = "\u2060"  # the first character of a piece that continues a word


def _spaces_by_rule(before: str | None, after: str) -> int:
    return int(before is not None and before not in _NO_SPACE_AFTER and after not in _NO_SPACE_BEFORE)


@dataclass(frozen=True)
class WordVocabulary:
    """Frequent words; the others are spelt: the longest known beginning, then pieces that continue it.

    The space between two words is the rule and costs no token; `tokens[1]` says that it is missing and
    `tokens[2]` that there is one more. Case is kept.

    Example:
        >>> vocabulary = WordVocabulary.fit(["a cat, a cat"], size=40)
        >>> ids = vocabulary.encode("a cat, a act")
        >>> [vocabulary.tokens[i] for i in ids][:4]
        ['a', 'cat', ',', 'a']
        >>> decode(vocabulary, ids)
        'a cat, a act'
    """

    tokens: tuple[str, ...]

    def __post_init__(self) -> None:
        """Refuse tokens that this vocabulary could not have made."""
        if self.tokens[:3] != (UNKNOWN, _JOIN, _SPACE):
            raise InputError("got a word vocabulary without its three marks at the front")
        if len(set(self.tokens)) != len(self.tokens) or not all(self.tokens):
            raise InputError("got a word vocabulary with repeated or empty tokens")

    @classmethod
    def fit(cls, chunks: Iterable[str], size: int = 12_000) -> WordVocabulary:
        """Collect the words of a text given in pieces.

        Args:
            chunks: the text, cut anywhere; at line ends it is cut without loss.
            size: tokens at most. Characters come first, then words by frequency, seen twice or more, and last (a
                twentieth of all) the endings of two characters or more that spell the rarer words in few tokens.
        """
        words: Counter[str] = Counter()
        others: Counter[str] = Counter()
        for chunk in chunks:
            words.update(WORD.findall(chunk))
            others.update(WORD.sub("", chunk))
            if len(words) > _MOST_WORDS_COUNTED:
                words = Counter({word: n for word, n in words.items() if n > 1})
        letters: Counter[str] = Counter()
        for word, n in words.items():
            for letter in word:
                letters[letter] += n
        for mark in (" ", UNKNOWN, _JOIN, _SPACE):
            others.pop(mark, None)
        alphabet = [c for c, _ in letters.most_common(max(0, size // 8))]
        symbols = [c for c, _ in others.most_common(max(0, size // 8)) if c not in letters]
        tokens = [UNKNOWN, _JOIN, _SPACE, *symbols, *alphabet, *(_CONTINUES + c for c in alphabet)]
        room = max(0, size - len(tokens) - size // 20)
        frequent = [w for w, n in words.most_common() if n > 1 and len(w) > 1]
        tokens += frequent[:room]
        known = frozenset(frequent[:room])
        endings: Counter[str] = Counter()
        for word, n in words.items():
            if len(word) > 1 and word not in known:
                ending = word[len(_longest_beginning(word, known.__contains__)) :]
                if len(ending) > 1:
                    endings[_CONTINUES + ending] += n
        tokens += [e for e, n in endings.most_common(max(0, size - len(tokens))) if n > 1]
        return cls(tuple(tokens))

    @property
    def units(self) -> str:
        """Always `"word"`."""
        return "word"

    def __len__(self) -> int:
        """The number of tokens."""
        return len(self.tokens)

    @cached_property
    def ids(self) -> dict[str, int]:
        """The id of each token."""
        return {token: i for i, token in enumerate(self.tokens)}

    @cached_property
    def is_word(self) -> NDArray[np.bool_]:
        """Which tokens begin a word, `[tokens]`."""
        return np.array([WORD.fullmatch(token) is not None for token in self.tokens])

    @cached_property
    def continues(self) -> NDArray[np.bool_]:
        """Which tokens continue the word before them, `[tokens]`."""
        return np.array([len(t) > 1 and t[0] == _CONTINUES for t in self.tokens])

    def encode(self, text: str, after: str | None = None) -> NDArray[np.int32]:
        """The words, spelt where they are unknown, and what stands between them.

        Args:
            text: what to encode.
            after: the word or sign just before it, where it goes on from an earlier text.
        """
        return np.fromiter(self._encode(text, after), np.int32)

    def last_segment(self, text: str) -> str | None:
        """The word or sign that a text ends with: what a text that goes on from it comes `after`."""
        return next((match[2] for match in _SEGMENT.finditer(text[-80:]) if match.end() == len(text[-80:])), None)

    def _encode(self, text: str, before: str | None) -> Iterator[int]:
        ids = self.ids
        for match in _SEGMENT.finditer(text):
            spaces, token = len(match[1]), match[2]
            rule = _spaces_by_rule(before, token) if token else 0
            if spaces < rule:
                yield 1
            for _ in range(spaces - rule):
                yield 2
            if token in ids:
                yield ids[token]
            elif token:
                yield from self._spell(token)
            before = token

    def _spell(self, word: str) -> Iterator[int]:
        ids = self.ids
        beginning = _longest_beginning(word, ids.__contains__)
        yield ids.get(beginning, 0)
        rest = word[len(beginning) :]
        while rest:
            piece = _longest_beginning(rest, lambda part: _CONTINUES + part in ids)
            yield ids.get(_CONTINUES + piece, 0)
            rest = rest[len(piece) :]

    def decoder(self) -> Decoder:
        """Each id gives its text with the space before it, if one is due."""
        before: str | None = None
        joined = False

        def add(token_id: int) -> str:
            nonlocal before, joined
            token = self.tokens[token_id]
            if token == _JOIN:
                joined = True
                return ""
            if token == _SPACE:
                return " "
            if token[0] == _CONTINUES:
                return token[1:]
            spaces = 0 if joined else _spaces_by_rule(before, token)
            before, joined = token, False
            return " " * spaces + token

        return add

    def to_dict(self) -> dict[str, Any]:
        """`{"units": "word", "tokens": [...]}`."""
        return {"units": "word", "tokens": list(self.tokens)}


_MOST_WORDS_COUNTED = 2_000_000  # bounds the memory of a count over any text


def _longest_beginning(word: str, known: Callable[[str], bool]) -> str:
    """The longest known beginning of a word; its first character where none is known."""
    return next((word[:end] for end in range(len(word), 0, -1) if known(word[:end])), word[0])


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
