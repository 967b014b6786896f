"""Listening while somebody speaks: words as they come, and an utterance when it ends."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from latchwork.core.errors import InputError
from latchwork.core.probabilities import log_softmax
from latchwork.speech.decoding import Beam
from latchwork.speech.model import SpeechModel, Transcript
from latchwork.speech.symbols import BLANK
from latchwork.transforms.cepstra import Cepstra
from latchwork.transforms.running import CepstraStream
from latchwork.transforms.spectrogram import Samples

PAUSE_SECONDS = 0.5  # without a symbol end an utterance
BLANK_SURE = 0.5  # of the blank's probability: no symbol at this step
LONGEST_SECONDS = 30.0  # of an utterance


class Heard(NamedTuple):
    """What is heard so far: `partial` words, or with `is_final` a whole utterance; seconds from the stream's start."""

    transcript: Transcript
    at: float
    is_final: bool


class Stream:
    """A recogniser that was trained with `stream=True`, listening.

    Args:
        model: the recogniser; it reads one way and its features follow what they hear.

    Raises:
        InputError: the model reads both ways.
    """

    def __init__(self, model: SpeechModel) -> None:
        """Before the first sample."""
        features = model.features
        if not isinstance(features, Cepstra) or not features.running:
            raise InputError("this model needs the end of an utterance to begin: train one with --stream")
        self._model, self._features = model, features
        self._cepstra = CepstraStream(features)
        self._state = model.scores.initial_state(1)
        self._steps = 0
        self._begin_utterance()

    def push(self, samples: Samples) -> Iterator[Heard]:
        """Take in samples at the model's rate; gives each change of what is heard."""
        for step in self._cepstra.push(np.asarray(samples, np.float32)):
            yield from self._advance(step)

    def finish(self) -> Iterator[Heard]:
        """No more sound comes: what is still to be said."""
        for step in self._cepstra.finish():
            yield from self._advance(step)
        if self._shown:
            yield self._ended()

    def log_probabilities(self, samples: Samples) -> NDArray[np.floating]:
        """The network's opinion at each step that these samples complete, `[steps, symbols]`; nothing is decoded."""
        found = [self._opinion(step) for step in self._cepstra.push(samples)]
        return np.stack(found) if found else np.zeros((0, self._model.symbols.outputs))

    def _begin_utterance(self) -> None:
        self._beam, self._logs = Beam(), []
        self._first, self._quiet = self._steps, 0
        self._shown: tuple[int, ...] = ()

    def _opinion(self, step: NDArray[np.float32]) -> NDArray[np.floating]:
        outputs, self._state = self._model.scores.step(step[None], self._state)
        return log_softmax(outputs)[0]

    def _advance(self, step: NDArray[np.float32]) -> Iterator[Heard]:
        logs = self._opinion(step)
        self._steps += 1
        self._quiet = self._quiet + 1 if logs[BLANK] > np.log(BLANK_SURE) else 0
        self._logs: list[NDArray[np.floating]]
        self._logs.append(logs)
        self._beam.advance(logs)
        found, _ = self._beam.best()
        seconds = self._features.step_seconds
        if found != self._shown:
            self._shown = found
            yield Heard(self._transcript(), self._steps * seconds, False)
        is_long = len(self._logs) * seconds >= LONGEST_SECONDS
        if self._shown and (self._quiet * seconds >= PAUSE_SECONDS or is_long):
            yield self._ended()
        elif not self._shown and self._quiet * seconds >= PAUSE_SECONDS:
            self._begin_utterance()

    def _transcript(self) -> Transcript:
        first = self._first * self._features.step_seconds
        return self._model.written(*self._beam.best(), np.stack(self._logs), first)

    def _ended(self) -> Heard:
        heard = Heard(self._transcript(), self._steps * self._features.step_seconds, True)
        self._begin_utterance()
        return heard


def listened(model: SpeechModel, chunks: Iterable[Samples]) -> Iterator[Heard]:
    """What is heard in chunks of sound at the model's rate, as it changes."""
    stream = Stream(model)
    for chunk in chunks:
        yield from stream.push(chunk)
    yield from stream.finish()
