"""Words as numbers: the most frequent word is 1, the next 2, and so on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from latchwork.core.errors import InputError
from latchwork.interop.keras.refusals import arguments, missing

FILTERS = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n'
Mode = Literal["binary", "count", "freq", "tfidf"]


def text_to_word_sequence(text: str, filters: str = FILTERS, lower: bool = True, split: str = " ") -> list[str]:
    """A text's words.

    Example:
        >>> text_to_word_sequence("A cat, a mat.")
        ['a', 'cat', 'a', 'mat']
    """
    text = text.lower() if lower else text
    return [word for word in text.translate(str.maketrans(dict.fromkeys(filters, split))).split(split) if word]


class Tokenizer:
    """Learns which words there are, and gives texts as lists of their numbers.

    Attributes:
        word_index: every word's number, whatever `num_words` says; `index_word` the other way.
        word_counts, word_docs, document_count: how often each was there, in how many texts, of how many.
    """

    def __init__(self, num_words: int | None = None, **given: Any) -> None:
        """See Keras's documentation."""
        known = {
            "filters": FILTERS, "lower": True, "split": " ", "char_level": False, "oov_token": None, "analyzer": None,
            "nb_words": None, "document_count": 0,
        }  # fmt: skip
        options = arguments("Tokenizer", given, known)
        self.num_words = options["nb_words"] if num_words is None else num_words
        self.filters, self.lower, self.split = options["filters"], options["lower"], options["split"]
        self.char_level, self.oov_token, self.analyzer = (
            options["char_level"],
            options["oov_token"],
            options["analyzer"],
        )
        self.document_count = options["document_count"]
        self.word_counts: Counter[str] = Counter()
        self.word_docs: Counter[str] = Counter()
        self.word_index: dict[str, int] = {}
        self.index_word: dict[int, str] = {}

    def _words(self, text: Any) -> list[str]:
        if self.char_level or isinstance(text, list):
            parts = text if isinstance(text, list) else list(text.lower() if self.lower else text)
            return [part.lower() if self.lower else part for part in parts]
        if self.analyzer is not None:
            return self.analyzer(text)
        return text_to_word_sequence(text, self.filters, self.lower, self.split)

    def fit_on_texts(self, texts: Iterable[Any]) -> None:
        """Learn the words of some texts; what is known already stays and counts on."""
        if isinstance(texts, str):
            raise InputError("fit_on_texts takes a list of texts: write fit_on_texts([text])")
        for text in texts:
            words = self._words(text)
            self.document_count += 1
            self.word_counts.update(words)
            self.word_docs.update(set(words))
        ordered = sorted(self.word_counts, key=lambda word: -self.word_counts[word])
        known = ordered if self.oov_token is None else [self.oov_token, *ordered]
        self.word_index = {word: number for number, word in enumerate(dict.fromkeys(known), 1)}
        self.index_word = {number: word for word, number in self.word_index.items()}

    def texts_to_sequences_generator(self, texts: Iterable[Any]) -> Iterator[list[int]]:
        """Each text as its words' numbers; unknown and rare words are left out, or are `oov_token`."""
        unknown = None if self.oov_token is None else self.word_index.get(self.oov_token)
        for text in texts:
            numbers = [self.word_index.get(word) for word in self._words(text)]
            limit = self.num_words
            kept = [n if n is not None and (not limit or n < limit) else unknown for n in numbers]
            yield [number for number in kept if number is not None]

    def texts_to_sequences(self, texts: Iterable[Any]) -> list[list[int]]:
        """All at once."""
        return list(self.texts_to_sequences_generator(texts))

    def sequences_to_texts(self, sequences: Iterable[Sequence[int]]) -> list[str]:
        """The other way, words joined by blanks."""
        unknown = self.oov_token
        found: list[str] = []
        for numbers in sequences:
            limit = self.num_words
            words = [self.index_word.get(n) if not limit or n < limit else None for n in numbers]
            found.append(" ".join(word if word is not None else unknown or "" for word in words if word or unknown))
        return found

    def texts_to_matrix(self, texts: Iterable[Any], mode: Mode = "binary") -> NDArray[np.float64]:
        """A row for each text, a column for each word's number."""
        return self.sequences_to_matrix(self.texts_to_sequences(texts), mode)

    def sequences_to_matrix(self, sequences: Sequence[Sequence[int]], mode: Mode = "binary") -> NDArray[np.float64]:
        """The same of numbers."""
        if mode not in ("binary", "count", "freq", "tfidf"):
            raise InputError(f"mode must be binary, count, freq or tfidf, got {mode!r}")
        width = self.num_words or len(self.word_index) + 1
        matrix = np.zeros((len(sequences), width))
        documents = {self.word_index[word]: count for word, count in self.word_docs.items() if word in self.word_index}
        for row, numbers in enumerate(sequences):
            for number, count in Counter(n for n in numbers if n < width).items():
                match mode:
                    case "count":
                        matrix[row, number] = count
                    case "freq":
                        matrix[row, number] = count / len(numbers)
                    case "binary":
                        matrix[row, number] = 1
                    case _:
                        rarity = np.log(1 + self.document_count / (1 + documents.get(number, 0)))
                        matrix[row, number] = (1 + np.log(count)) * rarity
        return matrix

    def fit_on_sequences(self, sequences: Sequence[Sequence[int]]) -> None:
        """Count in how many sequences each number is: what `tfidf` needs."""
        self.document_count += len(sequences)
        for numbers in sequences:
            self.word_docs.update(self.index_word[n] for n in set(numbers) if n in self.index_word)


def one_hot(input_text: str, n: int, filters: str = FILTERS, lower: bool = True, split: str = " ") -> list[int]:
    """Each word as a number from 1 to n - 1 by a checksum, so that it is the same in every run."""
    import zlib

    words = text_to_word_sequence(input_text, filters, lower, split)
    return [1 + zlib.crc32(word.encode()) % (n - 1) for word in words]


def __getattr__(name: str) -> Any:
    missing(name)
