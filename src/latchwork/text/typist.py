"""A simulated typist: what a keyboard saves, measured on text that it has not seen."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from latchwork.core.errors import InputError
from latchwork.text.following import Point
from latchwork.text.keyboard import Keyboard
from latchwork.text.rehearsal import rehearsed
from latchwork.transforms.segments import normal

_MOST_CONTEXT = 20_000  # characters
_TIMED_WORDS = 300  # typed one after another for the latency


@dataclass(frozen=True)
class Typed:
    """What typing a text with a keyboard came to; shares are 0 to 1.

    Attributes:
        words: how many words were typed.
        top1, top3: share of words that stood first, or among the first three, before their first letter was typed.
        completion_top1, completion_top3: the same for the word being typed, over all places inside words.
        keystrokes_saved: 1 - keys / characters, where taking a suggestion is one key and brings the space after it.
        p50_ms, p95_ms: latency of a suggestion, over the keys of the first 300 words.
    """

    words: int
    top1: float
    top3: float
    completion_top1: float
    completion_top3: float
    keystrokes_saved: float
    p50_ms: float
    p95_ms: float


class Word(NamedTuple):
    """A word of a text that is typed: its conversation so far, its line so far, itself, and what follows it."""

    context: str
    before: str
    word: str
    rest: str


@dataclass
class _Count:
    """Places among the suggestions, 3 where the word is not there; keys, and characters."""

    nexts: list[int] = field(default_factory=list[int])
    completions: list[int] = field(default_factory=list[int])
    keys: int = 0

    def type(self, word: Word, offered: Callable[[str], list[str]]) -> None:
        """Type a word and, where a suggestion is taken, the space after it."""
        saved = False
        for typed in range(len(word.word)):
            names = offered(word.word[:typed])
            place = min(3, names.index(word.word)) if word.word in names else 3
            (self.completions if typed else self.nexts).append(place)
            if not saved:
                self.keys += 1  # a letter, or the key that takes the suggestion
                saved = place < 3
        if saved and word.rest[:1] == " ":
            self.keys -= 1  # it came with the word


def conversations(text: str) -> list[list[str]]:
    """The lines of each conversation of a text: an empty line ends one."""
    return [[line for line in part.split("\n") if line] for part in text.split("\n\n") if part.strip("\n")]


def words_typed(keyboard: Keyboard, text: str) -> Iterator[Word]:
    """The words of a text in its order, each with what stands before it."""
    for lines in conversations(text):
        context = ""
        for line in lines:
            for start, word in keyboard.words(line):
                yield Word(context, line[:start], word, line[start + len(word) :])
            context = _longer(context, line)


def _longer(context: str, line: str) -> str:
    """A context and one more line; where it becomes very long, only its end, so that no text takes forever."""
    context += line + "\n"
    return context if len(context) < _MOST_CONTEXT else context[-_MOST_CONTEXT // 10 :]


def type_text(keyboard: Keyboard, text: str, words: int | None = None, learn: bool = False) -> Typed:
    """Type a text, one message a line, taking a suggestion as soon as it is the word that is meant.

    The typist sees three suggestions after every key, writes in the exact case of the text, and knows it by heart:
    an upper bound for people, and the same for every keyboard. Empty lines part conversations: the keyboard sees
    only the running one. Line ends are not counted.

    Args:
        keyboard: what suggests.
        text: what is typed.
        words: stop at the end of the line in which so many have been typed.
        learn: let the keyboard learn each line after it was typed.

    Raises:
        InputError: the text holds no words.
    """
    text = normal(text)
    if words is not None:
        text = beginning_of(keyboard, text, words)
    count, seconds = _Count(), _latencies(keyboard, text)
    if learn:
        _one_after_another(keyboard, text, count)
    else:
        _side_by_side(keyboard, text, count)
    if not count.nexts:
        raise InputError("got a text without words: there is nothing to type")
    characters = len(text.replace("\n", ""))
    words_alone = sum(len(typed.word) for typed in words_typed(keyboard, text))
    keys = count.keys + characters - words_alone
    p50, p95 = np.percentile(seconds, [50, 95]) * 1000
    return Typed(
        words=len(count.nexts),
        top1=_within(count.nexts, 1),
        top3=_within(count.nexts, 3),
        completion_top1=_within(count.completions, 1),
        completion_top3=_within(count.completions, 3),
        keystrokes_saved=1 - keys / characters,
        p50_ms=float(p50),
        p95_ms=float(p95),
    )


def beginning_of(keyboard: Keyboard, text: str, words: int) -> str:
    """The lines of a text up to and with the one in which so many words have been written."""
    typed, at = 0, 0
    while at < len(text) and typed < words:
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        typed += len(keyboard.words(text[at:end]))
        at = end + 1
    return text[:at]


def _latencies(keyboard: Keyboard, text: str) -> list[float]:
    """Seconds that each of the first suggestions took, one key after another."""
    seconds: list[float] = []
    for number, word in enumerate(words_typed(keyboard, text)):
        if number == _TIMED_WORDS:
            break
        for typed in range(len(word.word)):
            began = time.perf_counter()
            keyboard.suggest(word.context + word.before + word.word[:typed])
            seconds.append(time.perf_counter() - began)
    return seconds


def _one_after_another(keyboard: Keyboard, text: str, count: _Count) -> None:
    for lines in conversations(text):
        context = ""
        for line in lines:
            for start, word in keyboard.words(line):
                before = context + line[:start]
                typed = Word(context, line[:start], word, line[start + len(word) :])
                count.type(typed, lambda letters, before=before: keyboard.suggest(before + letters))
            context = _longer(context, line)
            keyboard.learn(line)


def _side_by_side(keyboard: Keyboard, text: str, count: _Count) -> None:
    vocabulary, newline = keyboard.vocabulary, keyboard.vocabulary.ids.get("\n", 0)
    texts: list[np.ndarray] = []
    wanted: list[np.ndarray] = []
    typed: list[list[Word]] = []
    for lines in conversations(text):
        ids, after, places, words, context = [newline], None, [], [], ""
        for line in lines:
            read = 0
            for start, word in keyboard.words(line):
                piece = line[read:start].rstrip(" ")
                # Spaces that a suggestion would bring are read with what comes after them, as the keyboard reads them.
                if piece:
                    ids += vocabulary.encode(piece, after=after).tolist()
                    after, read = vocabulary.last_segment(piece), read + len(piece)
                places.append(len(ids) - 1)
                words.append(Word(context, line[:start], word, line[start + len(word) :]))
            ids += vocabulary.encode(line[read:] + "\n", after=after).tolist()
            after, context = "\n", _longer(context, line)
        texts.append(np.array(ids))
        wanted.append(np.array(places, np.int64))
        typed.append(words)
    by_place = [_grouped(places.tolist(), words) for places, words in zip(wanted, typed, strict=True)]
    for number, place, probabilities in rehearsed(keyboard.follower.predictor, texts, wanted):
        point = Point("", None, None, probabilities)
        for word in by_place[number][place]:
            count.type(
                word,
                lambda letters, point=point, word=word: [
                    offer.text for offer in keyboard.offers_at(point, word.context + word.before, letters)
                ],
            )


def _grouped(places: list[int], words: list[Word]) -> dict[int, list[Word]]:
    grouped: dict[int, list[Word]] = {}
    for place, word in zip(places, words, strict=True):
        grouped.setdefault(place, []).append(word)
    return grouped


def _within(places: list[int], first: int) -> float:
    return float(np.mean(np.array(places) < first)) if places else 0.0
