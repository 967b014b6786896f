"""A simulated typist: what a keyboard saves, measured on text that it has not seen."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from latchwork.core.errors import InputError
from latchwork.text.keyboard import Keyboard
from latchwork.transforms.vocabulary import WORD


@dataclass(frozen=True)
class Typed:
    """What typing a text with a keyboard came to; shares are 0 to 1.

    Attributes:
        words: how many words were typed.
        top1, top3: share of words that stood first, or among the first three, before their first letter was typed.
        completion_top1, completion_top3: the same for the word being typed, over all places inside words.
        keystrokes_saved: 1 - keys / characters, where taking a suggestion is one key and brings the space after it.
        p50_ms, p95_ms: latency of a suggestion, over all keys.
    """

    words: int
    top1: float
    top3: float
    completion_top1: float
    completion_top3: float
    keystrokes_saved: float
    p50_ms: float
    p95_ms: float


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
    nexts: list[int] = []  # places of the meant word among the suggestions, 3 where it is not there
    completions: list[int] = []
    seconds: list[float] = []
    keys = characters = 0
    context = ""
    for line in text.split("\n"):
        if not line:
            context = ""
            continue
        at = 0
        while at < len(line):
            match = WORD.match(line, at)
            if match is None:
                at, keys = at + 1, keys + 1
                continue
            word, saved = match[0], False
            for typed in range(len(word)):
                began = time.perf_counter()
                offered = keyboard.suggest(context + line[: at + typed])
                seconds.append(time.perf_counter() - began)
                place = offered.index(word) if word in offered else 3
                (completions if typed else nexts).append(place)
                if not saved:
                    keys += 1  # a letter, or the key that takes the suggestion
                    saved = place < 3
            at = match.end()
            if saved and line[at : at + 1] == " ":
                at += 1
        characters += len(line)
        context += line + "\n"
        if learn:
            keyboard.personal.learn(line)
        if words is not None and len(nexts) >= words:
            break
    if not nexts:
        raise InputError("got a text without words: there is nothing to type")
    p50, p95 = np.percentile(seconds, [50, 95]) * 1000
    return Typed(
        words=len(nexts),
        top1=_within(nexts, 1),
        top3=_within(nexts, 3),
        completion_top1=_within(completions, 1),
        completion_top3=_within(completions, 3),
        keystrokes_saved=1 - keys / characters,
        p50_ms=float(p50),
        p95_ms=float(p95),
    )


def _within(places: list[int], first: int) -> float:
    return float(np.mean(np.array(places) < first)) if places else 0.0
