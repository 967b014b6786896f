"""Which words, pieces and signs a vocabulary of words should have: counted in a text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

import numpy as np

from latchwork.transforms.segments import clusters, normal, segmenter

CONTINUES = "\u2060"
"""The first character of a piece that continues a word."""

_MOST_COUNTED = 2_000_000  # different chunks, which bounds the memory of a count over any text
_MOST_OF_RUNS = 4_000_000  # clusters of unspaced script in which pieces are looked for
_PIECE = 4  # clusters of unspaced script in a piece at most
_LEAST_TIMES = 4  # that a piece of unspaced script stands in the text
_MARKS = frozenset(("\ufffd", "\u2060", "\u2423"))


def choose_tokens(chunks: Iterable[str], size: int) -> list[str]:
    """The tokens of a text: signs, letters, letters that continue a word, words and pieces, endings of words.

    Args:
        chunks: the text.
        size: how many at most.
    """
    words, runs, signs = _count(chunks)
    letters: Counter[str] = Counter()
    for word, times in words.items():
        for letter in word:
            letters[letter] += times
    for run, times in runs.items():
        for cluster in clusters(run):
            signs[cluster] += times
    for mark in _MARKS:
        signs.pop(mark, None)
        letters.pop(mark, None)
    alphabet = [letter for letter, _ in letters.most_common(max(0, size // 8))]
    # A Chinese text has thousands of signs, each of them a word or a piece of one.
    most_signs = size // 2 if runs else size // 8
    known = set(alphabet)
    tokens = [sign for sign, _ in signs.most_common(max(0, most_signs)) if sign not in known]
    tokens += alphabet + [CONTINUES + letter for letter in alphabet]
    room = max(0, size - len(tokens) - size // 20)
    found = set(tokens)
    frequent = Counter({word: n for word, n in words.items() if n > 1 and len(word) > 1 and word not in found})
    frequent.update({piece: n for piece, n in _pieces(runs).items() if piece not in found})
    chosen = [word for word, _ in frequent.most_common(room)]
    tokens += chosen
    tokens += _endings(words, frozenset(chosen), max(0, size - len(tokens)))
    return tokens


def longest_beginning(word: str, known: Callable[[str], bool]) -> str:
    """The longest known beginning of a word; its first character where none is known."""
    return next((word[:end] for end in range(len(word), 0, -1) if known(word[:end])), word[0])


def _count(chunks: Iterable[str]) -> tuple[Counter[str], Counter[str], Counter[str]]:
    """How often each word, each run of unspaced script and each sign stands in a text."""
    parts: Counter[str] = Counter()
    kinds: dict[str, Counter[str]] = {"word": Counter(), "run": Counter(), "sign": Counter()}
    for chunk in chunks:
        kinds["sign"]["\n"] += chunk.count("\n")
        parts.update(normal(chunk).replace("\n", " ").split(" "))
        if len(parts) > _MOST_COUNTED:
            parts = Counter({part: n for part, n in parts.items() if n > 1})
    del parts[""]
    if not kinds["sign"]["\n"]:
        del kinds["sign"]["\n"]
    cut = segmenter(2)
    for part, times in parts.items():
        for text, kind in cut(part):
            kinds[kind][text] += times
    return kinds["word"], kinds["run"], kinds["sign"]


def _endings(words: Counter[str], known: frozenset[str], room: int) -> list[str]:
    """The endings of two letters or more that are left of rarer words after their longest known beginning."""
    endings: Counter[str] = Counter()
    for word, times in words.items():
        if len(word) > 1 and word not in known:
            ending = word[len(longest_beginning(word, known.__contains__)) :]
            if len(ending) > 1:
                endings[CONTINUES + ending] += times
    return [ending for ending, times in endings.most_common(room) if times > 1]


def _pieces(runs: Counter[str]) -> Counter[str]:
    """Sequences of clusters of unspaced script that stand together more often than chance has it, and how often.

    A sequence counts where its parts, however it is cut in two, are at least four times likelier together.
    """
    numbers: dict[str, int] = {}
    ids: list[int] = []
    for run, times in runs.items():
        for _ in range(min(times, 50)):  # often repeated runs are whole words already
            ids += (numbers.setdefault(cluster, len(numbers) + 1) for cluster in clusters(run))
            ids.append(0)
        if len(ids) > _MOST_OF_RUNS:
            break
    if not ids:
        return Counter()
    names = ["", *numbers]
    sequence = np.array(ids)
    base, total = len(names), len(ids)
    single = np.bincount(sequence, minlength=base)
    counts: dict[tuple[int, ...], int] = {(i,): int(n) for i, n in enumerate(single.tolist())}
    found: Counter[str] = Counter()
    places, keys = np.flatnonzero(sequence), sequence.astype(np.int64)
    for length in range(2, _PIECE + 1):
        places = places[places + length <= total]
        last = sequence[places + length - 1]
        places = places[last > 0]
        code = keys[places] * base + sequence[places + length - 1]
        _, first, inverse, times = np.unique(code, return_index=True, return_inverse=True, return_counts=True)
        often = np.flatnonzero(times >= _LEAST_TIMES)
        for number in often.tolist():
            at = int(places[first[number]])
            gram = tuple(sequence[at : at + length].tolist())
            counts[gram] = here = int(times[number])
            chance = max(counts.get(gram[:k], 1) * counts.get(gram[k:], 1) for k in range(1, length)) / total
            if here > 4 * chance:
                found["".join(names[i] for i in gram)] = here
        keep = times[inverse] >= _LEAST_TIMES
        keys = np.zeros(total, np.int64)
        keys[places] = inverse
        places = places[keep]
        # what a longer sequence begins with has its number here
    return found
