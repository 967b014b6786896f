"""A network learned without some recordings, asked about them: the verdict, and what its opinions are worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from latchwork.speech.confidence import Confidence, fit_confidence
from latchwork.speech.drawing import Sounds
from latchwork.speech.learning import Settings, learn
from latchwork.speech.loading import Utterance
from latchwork.speech.model import SpeechModel
from latchwork.speech.verdict import Verdict, asked_about, held_out_speaker, judge

VERDICT_SHARE = 0.35  # of the time, where it is limited, or beside the time of the network that is kept
TAKES_SHARE = 0.2  # of the recordings that are held out where no voice can be
CONFIDENCE_ROWS = 240  # drawn to find out what opinions are worth


class Compared(NamedTuple):
    """The verdict, and what opinions are worth on what was held out for it."""

    verdict: Verdict
    confidence: Confidence


def compared(sounds: Sounds, settings: Settings) -> Compared | None:
    """Learn without one voice, or a fifth of the takes, and compare; None where too little would be left.

    Raises:
        KeyboardInterrupt: the user ended it.
    """
    stranger = held_out_speaker(sounds.utterances)
    if stranger is not None:
        known = [each for each in sounds.utterances if each.speaker != stranger]
        asked = [each for each in sounds.utterances if each.speaker == stranger]
    else:
        order = np.random.default_rng([sounds.seed, 9]).permutation(len(sounds.utterances))
        after = round((1 - TAKES_SHARE) * len(order))
        known = [sounds.utterances[index] for index in np.sort(order[:after])]
        asked = [sounds.utterances[index] for index in np.sort(order[after:])]
    texts = {each.text for each in known}
    asked = asked_about([each for each in asked if each.text in texts])
    if not asked or len(texts) < 2:
        return None
    own = replace(sounds, utterances=known)
    learned = learn(own, [], _short(settings))
    if learned.history.stopped == "interrupted":
        raise KeyboardInterrupt
    model = SpeechModel(own.features, learned.scaler, own.symbols, learned.data)
    heard = [each.text for each in model.transcribe([each.samples for each in asked], model.rate)]
    return Compared(judge(known, asked, heard, own.features, stranger), found_confidence(model, own, asked))


def found_confidence(model: SpeechModel, sounds: Sounds, beside: Sequence[Utterance]) -> Confidence:
    """What a model's opinions are worth on recordings, strings of them, and sounds that are none of the words."""
    drawn = replace(sounds, utterances=beside, seed=sounds.seed + 1)
    rng = np.random.default_rng([sounds.seed, 6])
    rows = [drawn.row(int(rng.integers(len(beside))), rng) for _ in range(CONFIDENCE_ROWS)]
    opinions: list[float] = []
    right: list[bool] = []
    for row, (text, log_probability) in zip(rows, model.opinions([row.steps for row in rows]), strict=True):
        if text:
            opinions.append(log_probability)
            right.append(text == model.symbols.decode(row.target))
    return fit_confidence(opinions, right)


def _short(settings: Settings) -> Settings:
    """A shorter run, which leaves no checkpoint and shows no bar."""
    return replace(
        settings,
        share=VERDICT_SHARE,
        epochs=None if settings.epochs is None else max(1, round(VERDICT_SHARE * settings.epochs)),
        steps=None if settings.steps is None else max(1, round(VERDICT_SHARE * settings.steps)),
        minutes=None if settings.minutes is None else VERDICT_SHARE * settings.minutes,
        checkpoint=None,
        progress="none",
    )
