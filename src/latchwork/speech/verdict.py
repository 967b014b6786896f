"""Whether a recogniser is worth having: on what was held out, beside plain methods; and what to record next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from latchwork.speech.loading import Utterance
from latchwork.speech.plain import linear, nearest_take
from latchwork.transforms.cepstra import Cepstra

MOST_ASKED = 200  # recordings that the methods are compared on
FEW_VOICES = 8
FEW_TAKES = 10
CONFUSED = 0.1  # of a word's takes heard as one other word


@dataclass(frozen=True)
class Verdict:
    """The share of held-out recordings that each method understands.

    Attributes:
        held_out: in words: whose recordings, or which.
        is_stranger: whether no recording of those speakers was learned from.
        recordings: how many.
        network, nearest_take, linear: shares, 0 to 1.
        advice: what to record next, each in a sentence.
    """

    held_out: str
    is_stranger: bool
    recordings: int
    network: float
    nearest_take: float
    linear: float
    advice: tuple[str, ...] = field(default=())

    @property
    def winner(self) -> str:
        """`network`, or the plain method that is better by more than chance explains (two standard errors)."""
        plain = max(("nearest_take", self.nearest_take), ("linear", self.linear), key=lambda each: each[1])
        spread = (2 * 0.25 / max(self.recordings, 1)) ** 0.5
        return plain[0] if plain[1] > self.network + 2 * spread * self._uncertainty(plain[1]) else "network"

    def _uncertainty(self, other: float) -> float:
        """How uncertain a share between the two is, 1 at a half."""
        mean = (self.network + other) / 2
        return 2 * (mean * (1 - mean)) ** 0.5

    def sentence(self) -> str:
        """The verdict, for the user."""
        plain = (
            f"the nearest take (dynamic time warping) {self.nearest_take:.1%}, a linear classifier {self.linear:.1%}"
        )
        if self.winner == "network":
            judged = (
                "the network is the best" if self.network > max(self.nearest_take, self.linear) else "no difference"
            )
        else:
            judged = "a plain method is better: record more before you rely on the network"
        return f"On {self.held_out}: the network understands {self.network:.1%}, {plain}: {judged}"

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data."""
        return {
            "held_out": self.held_out, "stranger": self.is_stranger, "recordings": self.recordings,
            "network": self.network, "nearest_take": self.nearest_take, "linear": self.linear,
            "winner": self.winner, "advice": list(self.advice),
        }  # fmt: skip


def held_out_speaker(utterances: Sequence[Utterance]) -> str | None:
    """The speaker to be left out for the verdict: of three or more, the one with the median number of recordings."""
    counts = Counter(each.speaker for each in utterances if each.speaker)
    if len(counts) < 3 or sum(counts.values()) < len(utterances):
        return None
    ranked = sorted(counts, key=lambda name: (counts[name], name))
    return ranked[len(ranked) // 2]


def asked_about(utterances: Sequence[Utterance]) -> list[Utterance]:
    """At most `MOST_ASKED` of them, evenly."""
    step = max(1, len(utterances) // MOST_ASKED)
    return list(utterances[::step][:MOST_ASKED])


def judge(
    known: Sequence[Utterance],
    asked: Sequence[Utterance],
    heard: Sequence[str],
    features: Cepstra,
    stranger: str | None,
) -> Verdict:
    """The verdict on what a network heard in the recordings asked about.

    Args:
        known: what it learned from.
        asked: what it was asked about.
        heard: what it heard in them.
        features: what recordings go through.
        stranger: the speaker who was left out, or None where single takes were.
    """
    texts = [each.text for each in asked]

    def share(answers: Sequence[str]) -> float:
        return float(np.mean([answer == text for answer, text in zip(answers, texts, strict=True)]))

    named = f"{len(asked)} recordings by {stranger}, whom no part of this comparison had heard"
    return Verdict(
        named if stranger else f"{len(asked)} takes that were held out, of speakers who were heard",
        stranger is not None,
        len(asked),
        share(heard),
        share(nearest_take(known, asked, features)),
        share(linear(known, asked, features)),
        tuple(advice([*known, *asked], texts, heard)),
    )


def advice(utterances: Sequence[Utterance], said: Sequence[str], heard: Sequence[str]) -> list[str]:
    """What to record next: more voices first, then rare words, then words that were taken for each other."""
    found: list[str] = []
    speakers = {each.speaker for each in utterances if each.speaker}
    if len(speakers) == 1 or not speakers:
        found.append("One voice, or none that is named: whoever else is to be understood has to record the words too.")
    elif len(speakers) < FEW_VOICES:
        found.append(
            f"{len(speakers)} voices: one more brings more than further takes of these; aim at {FEW_VOICES} or more."
        )
    takes = Counter(word for each in utterances for word in each.text.split())
    if rare := [word for word, count in takes.items() if count < FEW_TAKES]:
        found.append(f"Few takes: {', '.join(sorted(rare)[:8])}: record {FEW_TAKES} or more of each word.")
    total = Counter(said)
    confused = Counter((a, b) for a, b in zip(said, heard, strict=True) if a != b and b)
    for (word, other), count in confused.most_common(3):
        if count >= max(2, CONFUSED * total[word]):
            found.append(f"{word!r} was heard as {other!r} in {count} of {total[word]}: more takes of both.")
    return found
